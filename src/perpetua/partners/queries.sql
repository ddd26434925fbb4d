-- name: write_many
-- Suppliers whose code is free, from rows of JSON, in one statement.
INSERT INTO suppliers (code, name, order_email, language, currency, net_days, discount_percent, discount_days, lead_time_days,
                       over_percent, working_days, holidays, cut_off, timezone, addresses, contacts, active)
SELECT r.code, r.name, r.order_email, r.language, r.currency, r.net_days, r.discount_percent, r.discount_days, r.lead_time_days,
       r.over_percent, r.working_days, r.holidays, r.cut_off, r.timezone, r.addresses, r.contacts, coalesce(r.active, true)
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
  code text, name text, order_email text, language text, currency text, net_days integer, discount_percent numeric,
  discount_days integer, lead_time_days integer, over_percent numeric, working_days smallint[], holidays date[], cut_off time,
  timezone text, addresses jsonb, contacts jsonb, active boolean)
ON CONFLICT DO NOTHING
RETURNING id, code;

-- name: update_many
-- Suppliers as they are from now on, whole, from rows of JSON, in one statement.
UPDATE suppliers s
SET code = r.code, name = r.name, order_email = r.order_email, language = r.language, currency = r.currency, net_days = r.net_days,
    discount_percent = r.discount_percent, discount_days = r.discount_days, lead_time_days = r.lead_time_days,
    over_percent = r.over_percent, working_days = r.working_days, holidays = r.holidays, cut_off = r.cut_off,
    timezone = r.timezone, addresses = r.addresses, contacts = r.contacts, active = r.active, version = s.version + 1,
    updated_at = statement_timestamp()
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
  id bigint, code text, name text, order_email text, language text, currency text, net_days integer, discount_percent numeric,
  discount_days integer, lead_time_days integer, over_percent numeric, working_days smallint[], holidays date[], cut_off time,
  timezone text, addresses jsonb, contacts jsonb, active boolean)
WHERE s.id = r.id;
