"""What is kept in stock: products and their variants, barcodes, units, categories, owners, images.

Always true:
- A SKU, and a barcode, names one variant, without regard to case.
- A barcode that has a check digit has the right one; a GTIN is kept with 14 digits, so that UPC-A, EAN-13 and GTIN-14
  of the same trade item are one code.
- A conversion between units is exact or refused; a quantity is never rounded.
- Every product has an owner, at least one variant, and a category tree without cycles above it.
- Cost prices are read and written only by those with `costs.read`; no refusal carries one.
- Every change is in the audit trail, in the same transaction.
"""
