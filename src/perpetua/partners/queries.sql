-- name: write_many
-- Suppliers whose code is free, from rows of JSON, in one statement.
INSERT INTO suppliers (code, name, order_email, language, currency, net_days, discount_percent, discount_days, lead_time_days,
                       over_percent, working_days, holidays, cut_off, timezone, addresses, contacts)
SELECT r.code, r.name, r.order_email, r.language, r.currency, r.net_days, r.discount_percent, r.discount_days, r.lead_time_days,
       r.over_percent, r.working_days, r.holidays, r.cut_off, r.timezone, r.addresses, r.contacts
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
  code text, name text, order_email text, language text, currency text, net_days integer, discount_percent numeric,
  discount_days integer, lead_time_days integer, over_percent numeric, working_days smallint[], holidays date[], cut_off time,
  timezone text, addresses jsonb, contacts jsonb)
ON CONFLICT DO NOTHING
RETURNING id, code;
