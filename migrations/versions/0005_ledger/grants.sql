-- The application may append and read; recorded_at and id are the database's to give.
GRANT SELECT ON inventory_transactions, postings, corrections, inventory_levels, inventory_positions TO perpetua_app;
GRANT INSERT (effective_at, actor_id, approved_by, command, idempotency_key, reason_code, reference_type, reference_id, note)
  ON postings TO perpetua_app;
GRANT INSERT (posting_id, effective_at, variant_id, location_id, lot_id, serial_id, corrects_id, line_no, type, quantity,
              unit_cost, reason_code, reference_type, reference_id)
  ON inventory_transactions TO perpetua_app;
GRANT INSERT ON corrections TO perpetua_app;
-- Positions: what orders and purchasing keep there; on hand and in transit are the trigger's alone.
GRANT INSERT (variant_id, site_id), UPDATE (allocated, reserved, on_order, version) ON inventory_positions TO perpetua_app;
GRANT SELECT, INSERT, UPDATE ON lots, reason_codes, transfers, transfer_lines, adjustment_requests TO perpetua_app;
GRANT SELECT, INSERT (variant_id, serial, lot_id) ON serialised_stock TO perpetua_app;
REVOKE ALL ON FUNCTION ledger_project_serials FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_lock, ledger_make_partitions TO perpetua_app;
