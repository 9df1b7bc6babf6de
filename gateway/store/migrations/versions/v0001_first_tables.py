"""The first tables."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Text,
    UniqueConstraint,
)

from gateway.store.migrations.first_access import create_access
from gateway.store.migrations.first_alerts import create_alert_ways, create_event_hooks
from gateway.store.migrations.first_call_backs import create_call_backs
from gateway.store.migrations.first_clock import create_clock
from gateway.store.migrations.first_contacts import create_contacts
from gateway.store.migrations.first_missed import create_missed
from gateway.store.migrations.first_queue import create_queue
from gateway.store.migrations.first_replication import create_replication
from gateway.store.migrations.first_site import create_site_visits
from gateway.store.migrations.first_statistics import create_statistics
from gateway.store.migrations.first_toll_free import create_toll_free

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them all."""
    _create(
        "alerts",
        Column("code", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("values", JSON, nullable=False),
        Column("raised_at", String(27), nullable=False),
        Column("last_raised_at", String(27), nullable=False),
        Column("times", Integer, nullable=False),
        Column("acknowledged_at", String(27), nullable=True),
        Column("acknowledged_by", Text, nullable=True),
        Column("cleared_at", String(27), nullable=True),
    )
    op.create_index("ix_alerts_cleared_at_code_subject", "alerts", ["cleared_at", "code", "subject"])
    _create(
        "audit",
        Column("number", Integer, nullable=False),
        Column("time", String(27), nullable=False),
        Column("by", Text, nullable=False),
        Column("action", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("details", JSON, nullable=False),
        Column("previous_digest", String(64), nullable=False),
        Column("digest", String(64), nullable=False),
        UniqueConstraint("gateway_id", "number", name="uq_audit_gateway_id_number"),
    )
    op.create_index("ix_audit_subject", "audit", ["subject"])
    _create(
        "bindings",
        Column("extension", Text, nullable=False),
        Column("contact", Text, nullable=False),
        Column("received_from", Text, nullable=False),
        Column("expires_at", String(27), nullable=False),
        Column("user_agent", Text, nullable=False),
        UniqueConstraint("gateway_id", "extension", "contact", name="uq_bindings_gateway_id_extension_contact"),
    )
    _create(
        "calls",
        Column("started_at", String(27), nullable=False),
        Column("direction", String(16), nullable=False),
        Column("caller", Text, nullable=False),
        Column("caller_name", Text, nullable=False),
        Column("called", Text, nullable=False),
        Column("line", Text, nullable=True),
        Column("flow", Text, nullable=False),
        Column("courier", Text, nullable=True),
        Column("answered_at", String(27), nullable=True),
        Column("answered_by", Text, nullable=True),
        Column("ended_at", String(27), nullable=True),
        Column("cause", String(32), nullable=True),
        Column("ended_by", String(16), nullable=True),
        Column("talk_seconds", Float, nullable=False),
        Column("total_seconds", Float, nullable=False),
        Column("verdict", String(16), nullable=True),
        Column("caller_mos", Float, nullable=True),
        Column("callee_mos", Float, nullable=True),
        Column("search", Text, nullable=False),
        Column("order", Text, nullable=True),
        Column("shown", Text, nullable=True),
        Column("shown_by", Text, nullable=True),
        Column("cost", Integer, nullable=True),
        Column("visit_id", String(36), nullable=True),
        Column("queue", Text, nullable=True),
        Column("tags", Text, nullable=True),
        Column("erased_at", String(27), nullable=True),
        Column("clock", String(16), nullable=True),
    )
    op.create_index("ix_calls_courier_started_at", "calls", ["courier", "started_at"])
    op.create_index("ix_calls_ended_at", "calls", ["ended_at"])
    op.create_index("ix_calls_line_started_at", "calls", ["line", "started_at"])
    op.create_index("ix_calls_newest", "calls", ["started_at", "id", "search"])
    _create(
        "gateways",
        Column("created_at", String(27), nullable=False),
    )
    _create(
        "idempotency_keys",
        Column("principal", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("request_digest", String(64), nullable=False),
        Column("status", Integer, nullable=True),
        Column("response", JSON, nullable=True),
        Column("created_at", String(27), nullable=False),
        UniqueConstraint("gateway_id", "principal", "key", name="uq_idempotency_keys_gateway_id_principal_key"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
    _create(
        "jobs",
        Column("kind", Text, nullable=False),
        Column("key", Text, nullable=True),
        Column("lane", Text, nullable=True),
        Column("arguments", JSON, nullable=False),
        Column("state", String(16), nullable=False),
        Column("due_at", String(27), nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("last_error", Text, nullable=True),
        Column("created_at", String(27), nullable=False),
        Column("expires_at", String(27), nullable=True),
        Column("finished_at", String(27), nullable=True),
        UniqueConstraint("gateway_id", "kind", "key", name="uq_jobs_gateway_id_kind_key"),
    )
    op.create_index("ix_jobs_state_due_at", "jobs", ["state", "due_at"])
    _create(
        "messages",
        Column("direction", String(16), nullable=False),
        Column("line", Text, nullable=True),
        Column("imsi", Text, nullable=True),
        Column("peer", Text, nullable=True),
        Column("text", Text, nullable=True),
        Column("state", String(16), nullable=False),
        Column("time", String(27), nullable=False),
        Column("sent_at", String(27), nullable=True),
        Column("reference", Integer, nullable=True),
        Column("parts", Integer, nullable=False),
        Column("search", Text, nullable=False),
        Column("flash", Boolean, nullable=False, server_default="0"),
        Column("asked_line", Text, nullable=True),
        Column("by", Text, nullable=True),
        Column("attempts", Integer, nullable=False, server_default="0"),
        Column("due_at", String(27), nullable=True),
        Column("expires_at", String(27), nullable=True),
        Column("failure", Text, nullable=True),
        Column("delivered_at", String(27), nullable=True),
    )
    op.create_index("ix_messages_state_imsi", "messages", ["state", "imsi"])
    op.create_index("ix_messages_time_id", "messages", ["time", "id"])
    op.create_index("ix_messages_peer_time", "messages", ["peer", "time"])
    _create(
        "balances",
        Column("line", Text, nullable=False),
        Column("time", String(27), nullable=False),
        Column("code", Text, nullable=False),
        Column("text", Text, nullable=True),
        Column("value", Float, nullable=True),
        Column("failure", Text, nullable=True),
    )
    op.create_index("ix_balances_line_time", "balances", ["line", "time"])
    _create(
        "modems",
        Column("name", Text, nullable=False),
        Column("line", Text, nullable=True),
        Column("state", String(16), nullable=False),
        Column("changed_at", String(27), nullable=False),
        Column("facts", JSON, nullable=False),
        UniqueConstraint("gateway_id", "name", name="uq_modems_gateway_id_name"),
    )
    _create_orders()
    _create(
        "pin_tries",
        Column("iccid", String(32), nullable=False),
        Column("pin_digest", String(128), nullable=False),
        Column("tried_at", String(27), nullable=False),
        Column("unconfirmed", Integer, nullable=False),
        Column("was_right", Boolean, nullable=False),
        UniqueConstraint("gateway_id", "iccid", "pin_digest", name="uq_pin_tries_gateway_id_iccid_pin_digest"),
    )
    _create(
        "reservations",
        Column("call_id", String(36), nullable=False),
        Column("leg_id", String(36), nullable=False),
        Column("line", Text, nullable=False),
        Column("extension", Text, nullable=True),
        Column("number", Text, nullable=False),
        Column("opened_at", String(27), nullable=False),
        Column("granted_seconds", Integer, nullable=False),
        Column("settled_at", String(27), nullable=True),
        Column("talk_seconds", Integer, nullable=True),
    )
    op.create_index("ix_reservations_call_id", "reservations", ["call_id"])
    op.create_index("ix_reservations_settled_at", "reservations", ["settled_at"])
    _create(
        "shop_versions",
        Column("number", Integer, nullable=False),
        Column("document", JSON, nullable=False),
        Column("saved_at", String(27), nullable=False),
        Column("saved_by", Text, nullable=False),
        UniqueConstraint("gateway_id", "number", name="uq_shop_versions_gateway_id_number"),
    )
    _create(
        "users",
        Column("name", Text, nullable=False),
        Column("name_key", Text, nullable=False),
        Column("password_hash", Text, nullable=False),
        Column("role", String(16), nullable=False),
        Column("created_at", String(27), nullable=False),
        Column("disabled_at", String(27), nullable=True),
        Column("courier", Text, nullable=True),
        UniqueConstraint("gateway_id", "name_key", name="uq_users_gateway_id_name_key"),
    )
    _create(
        "budget_minutes",
        Column(
            "reservation_id",
            String(36),
            ForeignKey("reservations.id", name="fk_budget_minutes_reservation_id"),
            nullable=False,
        ),
        Column("local_day", String(10), nullable=False),
        Column("line", Text, nullable=False),
        Column("extension", Text, nullable=True),
        Column("minutes", Integer, nullable=False),
        Column("cost", Integer, nullable=False, server_default="0"),
        UniqueConstraint("reservation_id", "local_day", name="uq_budget_minutes_reservation_id_local_day"),
    )
    op.create_index("ix_budget_minutes_local_day", "budget_minutes", ["local_day"])
    _create(
        "call_events",
        Column("call_id", String(36), ForeignKey("calls.id", name="fk_call_events_call_id"), nullable=False),
        Column("seq", Integer, nullable=False),
        Column("time", String(27), nullable=False),
        Column("type", Text, nullable=False),
        Column("data", JSON, nullable=False),
    )
    op.create_index("ix_call_events_call_id", "call_events", ["call_id"])
    _create(
        "legs",
        Column("call_id", String(36), ForeignKey("calls.id", name="fk_legs_call_id"), nullable=False),
        Column("kind", String(16), nullable=False),
        Column("direction", String(16), nullable=False),
        Column("peer", Text, nullable=False),
        Column("line", Text, nullable=True),
        Column("started_at", String(27), nullable=False),
        Column("rang_at", String(27), nullable=True),
        Column("answered_at", String(27), nullable=True),
        Column("ended_at", String(27), nullable=True),
        Column("cause", String(32), nullable=True),
        Column("ended_by_peer", Boolean, nullable=True),
        Column("frames_in", Integer, nullable=True),
        Column("frames_out", Integer, nullable=True),
        Column("lost", Integer, nullable=True),
        Column("concealed", Integer, nullable=True),
        Column("sound", JSON, nullable=True),
        Column("cost", Integer, nullable=True),
        Index("ix_legs_peer_answered_at", "peer", "answered_at"),
    )
    op.create_index("ix_legs_call_id", "legs", ["call_id"])
    op.create_index("ix_legs_line_answered_at", "legs", ["line", "answered_at"])
    _create(
        "message_parts",
        Column("message_id", String(36), ForeignKey("messages.id", name="fk_message_parts_message_id"), nullable=False),
        Column("part", Integer, nullable=False),
        Column("pdu", LargeBinary, nullable=False),
        Column("text", LargeBinary, nullable=True),
        Column("sent_at", String(27), nullable=True),
        Column("received_at", String(27), nullable=False),
        Column("digest", String(64), nullable=False),
        UniqueConstraint("gateway_id", "digest", name="uq_message_parts_gateway_id_digest"),
    )
    op.create_index("ix_message_parts_message_id", "message_parts", ["message_id"])
    _create(
        "outgoing_parts",
        Column(
            "message_id", String(36), ForeignKey("messages.id", name="fk_outgoing_parts_message_id"), nullable=False
        ),
        Column("part", Integer, nullable=False),
        Column("state", String(16), nullable=False),
        Column("line", Text, nullable=False),
        Column("imsi", Text, nullable=False),
        Column("local_day", String(10), nullable=False),
        Column("begun_at", String(27), nullable=False),
        Column("reference", Integer, nullable=True),
        Column("sent_at", String(27), nullable=True),
        Column("status", Integer, nullable=True),
        Column("reported_at", String(27), nullable=True),
        UniqueConstraint("message_id", "part", name="uq_outgoing_parts_message_id_part"),
    )
    op.create_index("ix_outgoing_parts_imsi_reference", "outgoing_parts", ["imsi", "reference"])
    op.create_index("ix_outgoing_parts_local_day_line", "outgoing_parts", ["local_day", "line"])
    _create(
        "recordings",
        Column("call_id", String(36), ForeignKey("calls.id", name="fk_recordings_call_id"), nullable=False),
        Column("path", Text, nullable=False),
        Column("state", String(16), nullable=False),
        Column("started_at", String(27), nullable=False),
        Column("finished_at", String(27), nullable=True),
        Column("seconds", Float, nullable=True),
        Column("size_bytes", Integer, nullable=True),
        Column("verdict", String(32), nullable=True),
        Column("kept", Boolean, nullable=False),
        Column("held_by", Text, nullable=True),
        Column("held_at", String(27), nullable=True),
        Column("held_why", Text, nullable=True),
        Column("pauses", JSON, nullable=True),
        Column("deleted_at", String(27), nullable=True),
        Column("made_at", String(27), nullable=True),
        Column("sha256", String(64), nullable=True),
        Column("file_sha256", String(64), nullable=True),
        Column("loudness_db", JSON, nullable=True),
    )
    for name in ("call_id", "made_at", "state"):
        op.create_index(f"ix_recordings_{name}", "recordings", [name])
    _create(
        "sessions",
        Column("user_id", String(36), ForeignKey("users.id", name="fk_sessions_user_id"), nullable=False),
        Column("token_digest", String(64), nullable=False),
        Column("created_at", String(27), nullable=False),
        Column("last_used_at", String(27), nullable=False),
        Column("expires_at", String(27), nullable=False),
        Column("ended_at", String(27), nullable=True),
        Column("address", Text, nullable=False),
        Column("user_agent", Text, nullable=False),
        UniqueConstraint("token_digest", name="uq_sessions_token_digest"),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    _create(
        "tokens",
        Column("user_id", String(36), ForeignKey("users.id", name="fk_tokens_user_id"), nullable=False),
        Column("name", Text, nullable=False),
        Column("token_digest", String(64), nullable=False),
        Column("scopes", JSON, nullable=False),
        Column("created_at", String(27), nullable=False),
        Column("last_used_at", String(27), nullable=True),
        Column("expires_at", String(27), nullable=True),
        Column("revoked_at", String(27), nullable=True),
        UniqueConstraint("token_digest", name="uq_tokens_token_digest"),
    )
    op.create_index("ix_tokens_user_id", "tokens", ["user_id"])
    create_statistics(_create)  # its triggers stand on calls and legs
    create_replication(_create)  # so do these, and on more


def _create_orders() -> None:
    _create(
        "orders",
        Column("number", Text, nullable=False),
        Column("digits", Text, nullable=False),
        Column("phone", Text, nullable=False),
        Column("customer", Text, nullable=False),
        Column("courier", Text, nullable=True),
        Column("stage", String(16), nullable=False),
        Column("note", Text, nullable=False),
        Column("created_at", String(27), nullable=False),
        Column("changed_at", String(27), nullable=False),
        Column("expires_at", String(27), nullable=False),
        Column("ended_at", String(27), nullable=True),
        Column("closed_at", String(27), nullable=True),
        Column("delivery_on", String(10), nullable=True),
        Column("delivery_from", String(5), nullable=True),
        Column("delivery_to", String(5), nullable=True),
        Column("callback_required", Boolean, nullable=False),
        UniqueConstraint("gateway_id", "number", name="uq_orders_gateway_id_number"),
    )
    op.create_index("ix_orders_courier_changed_at", "orders", ["courier", "changed_at"])
    op.create_index("ix_orders_phone", "orders", ["phone"])
    op.create_index("ix_orders_digits", "orders", ["digits"])
    _create(
        "pin_guesses",
        Column("caller", Text, nullable=False),
        Column("local_day", String(10), nullable=False),
        Column("tried_at", String(27), nullable=False),
    )
    op.create_index("ix_pin_guesses_local_day_caller", "pin_guesses", ["local_day", "caller"])
    for make in (
        create_contacts,
        create_missed,
        create_access,
        create_toll_free,
        create_site_visits,
        create_call_backs,
        create_queue,
        create_clock,
        create_alert_ways,
        create_event_hooks,
    ):
        make(_create)


def _create(name: str, *contents: Any) -> None:
    gateway = [] if name == "gateways" else [Column("gateway_id", String(36), nullable=False)]
    op.create_table(
        name,
        Column("id", String(36), nullable=False),
        *gateway,
        *contents,
        PrimaryKeyConstraint("id", name=f"pk_{name}"),
    )
