"""The made-up company's trade: what it sells, in which sizes and colours, at what prices, in which season.

All brands and models are invented. Kinds of goods are real ones, so that search, filters and reports have something to
bite on.
"""

from typing import Final, Literal, NamedTuple

__all__ = ["BRANDS", "COLOURS", "COMPANY", "CONSIGNORS", "KINDS", "MODELS", "SIZES", "Kind", "Season"]

COMPANY: Final = "Larkfield Outdoor & Home"

CONSIGNORS: Final = (("FJELLVIK", "Fjellvik Tents (consignment)"), ("POTTERS", "Moor Lane Potters (consignment)"))
"""Owners of goods that lie with the company but aren't its own: code and name."""

Season = Literal["flat", "summer", "winter", "spring", "gifts"]

BRANDS: Final = (
    "Fellmark", "Norrbo", "Tarnside", "Brackenridge", "Hollin & Rowe", "Kestrel Works", "Saltmarsh", "Upland",
    "Wrenfield", "Corrie", "Lofthouse", "Birchgate",
)  # fmt: skip

MODELS: Final = (
    "Heron", "Merlin", "Plover", "Curlew", "Dunlin", "Osprey", "Siskin", "Linnet", "Ptarmigan", "Lapwing", "Fulmar",
    "Redstart", "Wheatear", "Pipit", "Bunting", "Tern", "Sandpiper", "Kittiwake", "Gannet", "Avocet", "Dipper",
    "Whinchat", "Brambling", "Goldcrest", "Harrier", "Hobby", "Nuthatch", "Petrel", "Rook", "Skua", "Swift", "Teal",
    "Turnstone", "Wagtail", "Widgeon", "Woodcock", "Yaffle", "Crossbill", "Firecrest", "Garganey",
)  # fmt: skip

COLOURS: Final = {
    "wear": ("navy", "moss", "black", "rust", "slate", "mustard"),
    "gear": ("orange", "forest", "graphite", "sand", "blue"),
    "home": ("oat", "sage", "charcoal", "terracotta", "indigo", "blush", "ochre", "plum"),
}

SIZES: Final = {
    "": ("",),
    "body": ("XS", "S", "M", "L", "XL", "XXL"),
    "hand": ("S", "M", "L"),
    "foot": ("37", "38", "39", "40", "41", "42", "43", "44", "45"),
    "sock": ("35–38", "39–42", "43–46"),
    "litres": ("20 l", "35 l", "50 l", "65 l"),
    "small litres": ("0.5 l", "0.75 l", "1 l"),
    "drybag": ("5 l", "10 l", "20 l", "35 l"),
    "person": ("2-person", "3-person"),
    "length": ("regular", "long"),
    "pan": ("16 cm", "20 cm", "24 cm", "28 cm"),
    "bed": ("single", "double", "king", "super king"),
    "towel": ("hand", "bath", "sheet"),
    "rug": ("80 × 150 cm", "120 × 180 cm", "160 × 230 cm"),
    "box": ("small", "medium", "large"),
    "tyre": ("700 × 32", "700 × 38", "27.5 × 2.2", "29 × 2.3"),
    "gas": ("100 g", "230 g", "450 g"),
    "flavour": ("apple & oat", "cocoa & cherry", "date & almond", "ginger"),
    "meal": ("chickpea curry", "pasta bolognese", "porridge", "chilli", "mushroom risotto", "couscous"),
    "tube": ("50 ml", "100 ml", "200 ml"),
    "seed": ("tomato", "basil", "courgette", "sweet pea", "sunflower", "kale", "beetroot", "carrot", "chard", "cosmos"),
    "gauge": ("4 mm", "6 mm", "9 mm"),
}


class Kind(NamedTuple):
    """One kind of goods. `products` products are made of it, each in `sizes` × `colours` of a palette."""

    code: str
    category: str
    noun: str
    products: int
    cost: tuple[float, float]
    season: Season = "flat"
    sizes: str = ""
    palette: str = ""
    colours: int = 1
    grams: int = 500
    case: int = 12
    tracking: Literal["none", "lot", "serial"] = "none"
    unit: str = "each"


_CLOTHES = "Outdoor/Clothing"
_CAMP = "Outdoor/Camping"
_BIKE = "Outdoor/Cycling"
_FOOD = "Outdoor/Food & care"
_COOK = "Home/Kitchen & table"
_TEXTILES = "Home/Textiles"
_LIVING = "Home/Living"
_GARDEN = "Garden"

KINDS: Final = (
    Kind("JKT", _CLOTHES, "Waterproof Jacket", 4, (38, 95), "winter", "body", "wear", 2, 620, 10),
    Kind("DWN", _CLOTHES, "Down Jacket", 3, (55, 130), "winter", "body", "wear", 2, 540, 8),
    Kind("FLC", _CLOTHES, "Fleece", 4, (16, 34), "winter", "body", "wear", 2, 380, 12),
    Kind("BSL", _CLOTHES, "Merino Base Layer", 4, (18, 32), "winter", "body", "wear", 1, 210, 12),
    Kind("TRS", _CLOTHES, "Walking Trousers", 4, (20, 42), "flat", "body", "wear", 1, 400, 12),
    Kind("SCK", _CLOTHES, "Hiking Socks", 4, (4, 9), "flat", "sock", "wear", 2, 90, 24),
    Kind("GLV", _CLOTHES, "Gloves", 3, (8, 26), "winter", "hand", "wear", 2, 120, 20),
    Kind("BNE", _CLOTHES, "Beanie", 3, (5, 12), "winter", "", "wear", 4, 80, 24),
    Kind("BTS", "Outdoor/Footwear", "Hiking Boots", 4, (48, 98), "flat", "foot", "wear", 1, 1300, 6),
    Kind("SHO", "Outdoor/Footwear", "Trail Shoes", 3, (36, 70), "summer", "foot", "gear", 1, 720, 6),
    Kind("WEL", "Outdoor/Footwear", "Wellingtons", 2, (14, 30), "winter", "foot", "wear", 1, 1900, 6),
    Kind("TNT", _CAMP, "Tent", 8, (70, 260), "summer", "person", "gear", 1, 2800, 2),
    Kind("SLB", _CAMP, "Sleeping Bag", 6, (32, 140), "summer", "length", "gear", 2, 1200, 4),
    Kind("MAT", _CAMP, "Sleeping Mat", 5, (18, 75), "summer", "length", "gear", 1, 560, 6),
    Kind("RUC", _CAMP, "Rucksack", 7, (28, 110), "summer", "litres", "gear", 1, 1400, 4),
    Kind("DRY", _CAMP, "Dry Bag", 3, (5, 14), "summer", "drybag", "gear", 2, 110, 24),
    Kind("POL", _CAMP, "Trekking Poles", 5, (18, 60), "summer", "", "gear", 2, 480, 10),
    Kind("STV", _CAMP, "Camping Stove", 5, (16, 70), "summer", "", "", 1, 340, 12),
    Kind("GAS", _CAMP, "Gas Cartridge", 2, (2.2, 6), "summer", "gas", "", 1, 380, 24, "lot"),
    Kind("CKS", _CAMP, "Cook Set", 5, (14, 48), "summer", "", "gear", 2, 700, 8),
    Kind("HDL", _CAMP, "Head Torch", 6, (9, 42), "winter", "", "gear", 2, 95, 20),
    Kind("FLK", _CAMP, "Vacuum Flask", 5, (9, 22), "winter", "small litres", "gear", 2, 420, 12),
    Kind("CHR", _CAMP, "Camp Chair", 5, (16, 48), "summer", "", "gear", 3, 2900, 4),
    Kind("CBX", _CAMP, "Cool Box", 4, (22, 70), "summer", "box", "gear", 1, 3500, 3),
    Kind("WTF", _CAMP, "Water Filter", 4, (18, 46), "summer", "", "", 1, 160, 12),
    Kind("AID", _CAMP, "First Aid Kit", 4, (7, 22), "summer", "", "", 1, 300, 20, "lot"),
    Kind("PWR", _CAMP, "Power Station", 4, (180, 620), "flat", "", "", 1, 6500, 1, "serial"),
    Kind("GPS", _CAMP, "GPS Handset", 5, (90, 310), "gifts", "", "", 1, 180, 6, "serial"),
    Kind("BAR", _FOOD, "Energy Bar", 4, (0.55, 1.2), "summer", "flavour", "", 1, 45, 48, "lot"),
    Kind("MEL", _FOOD, "Freeze-dried Meal", 3, (3.1, 5.4), "summer", "meal", "", 1, 130, 24, "lot"),
    Kind("SUN", _FOOD, "Sun Cream SPF 50", 3, (3.4, 8), "summer", "tube", "", 1, 120, 24, "lot"),
    Kind("REP", _FOOD, "Insect Repellent", 2, (2.8, 5), "summer", "", "", 1, 110, 24, "lot"),
    Kind("HLM", _BIKE, "Cycle Helmet", 5, (22, 64), "spring", "hand", "gear", 2, 310, 8),
    Kind("LGT", _BIKE, "Bike Light Set", 5, (11, 38), "winter", "", "", 1, 140, 20),
    Kind("LCK", _BIKE, "D-lock", 4, (12, 44), "flat", "", "", 1, 1300, 10),
    Kind("PAN", _BIKE, "Pannier", 4, (24, 62), "spring", "", "gear", 3, 900, 6),
    Kind("TYR", _BIKE, "Tyre", 4, (11, 32), "spring", "tyre", "", 1, 620, 10),
    Kind("PMP", _BIKE, "Track Pump", 4, (12, 34), "spring", "", "", 1, 1100, 8),
    Kind("EBK", _BIKE, "E-bike", 3, (780, 1450), "spring", "hand", "gear", 1, 21000, 1, "serial"),
    Kind("SPN", _COOK, "Saucepan", 5, (12, 38), "gifts", "pan", "", 1, 1100, 6),
    Kind("FRY", _COOK, "Frying Pan", 4, (12, 42), "gifts", "pan", "", 1, 1300, 6),
    Kind("KNF", _COOK, "Kitchen Knife", 6, (9, 46), "gifts", "box", "", 1, 180, 12),
    Kind("BRD", _COOK, "Chopping Board", 4, (7, 24), "flat", "box", "", 1, 1200, 10),
    Kind("MUG", _COOK, "Stoneware Mug", 8, (3.2, 7), "gifts", "", "home", 5, 340, 24),
    Kind("PLT", _COOK, "Dinner Plate", 5, (4, 9), "gifts", "", "home", 4, 620, 24),
    Kind("JAR", _COOK, "Storage Jar", 4, (2.6, 8), "flat", "drybag", "", 1, 800, 12),
    Kind("KTL", _COOK, "Stove-top Kettle", 4, (16, 42), "gifts", "", "home", 3, 1200, 6),
    Kind("DVT", _TEXTILES, "Duvet Cover", 5, (16, 48), "flat", "bed", "home", 2, 1500, 6),
    Kind("PLW", _TEXTILES, "Feather Pillow", 4, (9, 28), "flat", "length", "", 1, 900, 8),
    Kind("TWL", _TEXTILES, "Cotton Towel", 5, (4, 14), "flat", "towel", "home", 4, 550, 16),
    Kind("THR", _TEXTILES, "Wool Throw", 5, (22, 58), "winter", "", "home", 4, 1300, 6),
    Kind("CSH", _TEXTILES, "Cushion", 6, (7, 19), "flat", "", "home", 5, 620, 10),
    Kind("RUG", _TEXTILES, "Woven Rug", 5, (28, 140), "flat", "rug", "home", 2, 4200, 2),
    Kind("CDL", _LIVING, "Scented Candle", 6, (4, 12), "gifts", "", "home", 4, 420, 18),
    Kind("LMP", _LIVING, "Table Lamp", 6, (18, 64), "winter", "", "home", 2, 1700, 4),
    Kind("STR", _LIVING, "String Lights", 4, (6, 18), "gifts", "length", "", 1, 300, 20),
    Kind("BSK", _LIVING, "Storage Basket", 4, (7, 22), "flat", "box", "home", 1, 700, 10),
    Kind("SHF", _LIVING, "Shelf Unit", 3, (34, 110), "flat", "", "home", 2, 12500, 1),
    Kind("SEC", _GARDEN, "Secateurs", 4, (7, 26), "spring", "", "", 1, 240, 16),
    Kind("SPD", _GARDEN, "Digging Spade", 4, (14, 34), "spring", "length", "", 1, 2100, 6),
    Kind("HOS", _GARDEN, "Garden Hose by the metre", 2, (0.9, 1.8), "summer", "gauge", "", 1, 180, 50, "none", "m"),
    Kind("ROP", _GARDEN, "Rope by the metre", 2, (0.4, 1.1), "flat", "gauge", "", 1, 60, 100, "none", "m"),
    Kind("CAN", _GARDEN, "Watering Can", 3, (6, 19), "spring", "", "home", 4, 900, 8),
    Kind("PTR", _GARDEN, "Terracotta Planter", 5, (5, 28), "spring", "box", "home", 2, 3200, 4),
    Kind("SED", _GARDEN, "Seed Packet", 3, (0.6, 1.4), "spring", "seed", "", 1, 15, 100),
    Kind("BRF", _GARDEN, "Bird Feeder", 4, (5, 16), "winter", "length", "", 1, 420, 12),
    Kind("PSL", _GARDEN, "Parasol", 3, (34, 90), "summer", "", "home", 3, 7800, 2),
    Kind("GCH", _GARDEN, "Garden Chair", 4, (26, 74), "summer", "", "home", 3, 5200, 2),
    Kind("FIR", _GARDEN, "Fire Bowl", 3, (32, 96), "summer", "box", "", 1, 9800, 1),
    Kind("MOW", _GARDEN, "Robot Mower", 3, (310, 820), "spring", "", "", 1, 11000, 1, "serial"),
)
