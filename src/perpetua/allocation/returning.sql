-- name: with_customer
-- What of an order is with its customer: what was sold with it less what came back, by item, lot and serial.
SELECT t.variant_id, t.lot_id, t.serial_id, s.serial, n.number AS lot, -sum(t.quantity) AS quantity
FROM inventory_transactions t
LEFT JOIN serialised_stock s ON s.id = t.serial_id
JOIN lots n ON n.id = t.lot_id
WHERE t.reference_type = 'order' AND t.reference_id = %(order_id)s::text AND t.type IN ('SALE', 'RETURN')
GROUP BY 1, 2, 3, 4, 5 HAVING sum(t.quantity) < 0 ORDER BY 1, 2, 3;
