"""Header lines of the CSV feeds and columns of sheets and tables, as the systems spell them."""

from __future__ import annotations

from simulator.render import UNIT

HEADERS = {
    "erp_sales_lines": (
        "order_no;line_no;ordered_at;shipped_at;customer_id;channel;sku;quantity;unit_price;"
        "discount_amount;net_amount;tax_amount;shipping_amount;currency;unit_cost;lot_no;serial_nos;"
        "ship_from_site;is_void;updated_at;replaces_rma_no"
    ),
    "erp_return_authorizations": (
        "rma_no,rma_line_no,order_no,order_line_no,request_id,sku,quantity_authorized,reason_code,"
        "resolution,status,authorized_at,expires_at,tracking_no,is_void,updated_at"
    ),
    "erp_payment_settlements": (
        "settlement_id,batch_no,type,refund_id,gross_amount,fee_amount,net_amount,currency,"
        "settled_amount,settled_currency,fx_rate,booked_at,status"
    ),
    "erp_items": (
        "sku,style,size,colour,description,category,brand,unit_cost,list_price,currency,weight_g,"
        "is_serialised,warranty_months,hazmat_class,weee_category,vendor_id,is_returnable,"
        "return_window_days,restocking_fee_pct"
    ),
    "erp_fx_rates": "rate_date,from_currency,to_currency,rate",
    "erp_recovery_sales": (
        "recovery_id\tdisposition_id\tsku\tserial_no\tquantity\tchannel\tgross_proceeds\tfees\t"
        "currency\tsold_at"
    ),
    "wms_carrier_invoices": "invoice_no;tracking_no;charge_type;amount;currency;invoiced_on",
    "crm_customers": (
        "customer_id,name,email,phone,country,segment,created_at,merged_into,marketing_consent"
    ),
    "erp_vendor_claims": (
        "claim_no;line_no;vendor_id;receipt_id;sku;lot_no;serial_no;quantity;claimed_amount;"
        "credited_amount;currency;status;opened_on;credited_on;updated_at"
    ),
    "crm_cases": (
        "case_id,customer_id,order_no,rma_no,topic,channel,opened_at,closed_at,csat,updated_at"
    ),
    "erp_vendors": UNIT.join(("vendor_id", "name", "country", "rtv_window_days", "rtv_recovery_pct")),
    "wms_work_orders": UNIT.join((
        "work_order_no", "receipt_id", "type", "opened_at", "closed_at", "labour_minutes",
        "labour_rate", "parts_cost", "currency", "outcome_grade", "updated_at",
    )),
    "wms_returned_stock": UNIT.join((
        "snapshot_date", "site", "location", "sku", "grade", "quantity", "unit_value", "currency",
    )),
}  # fmt: skip

DELIMITERS = {
    "erp_sales_lines": ";", "wms_carrier_invoices": ";", "erp_recovery_sales": "\t",
    "erp_vendor_claims": ";", "erp_vendors": UNIT, "wms_work_orders": UNIT, "wms_returned_stock": UNIT,
}  # fmt: skip
