import type { AuditTrail } from "#shared/nats/append-audit.ts";

/** What the audit trail keeps: who did what, from where, and why it was refused. Never a secret, never a token. */
export interface AuditEntry {
  readonly tenant: string;
  readonly event:
    | "login"
    | "login_refused"
    | "refreshed"
    | "renewed"
    | "refresh_refused"
    | "reused"
    | "revoked"
    | "session_deleted"
    | "client_token"
    | "client_made"
    | "client_secret_made"
    | "client_secret_withdrawn"
    | "client_withdrawn"
    | "user_disabled"
    | "user_changed";
  readonly subject?: string;
  /** Stands for a name that was typed where there is no such user: a keyed hash. */
  readonly typed?: string;
  readonly sid?: string;
  readonly address?: string;
  readonly device?: string;
  readonly reason?: string;
  readonly by?: string;
  /** The number of a client's secret. */
  readonly secret?: number;
  /** What a renewed access token is for. */
  readonly purpose?: string;
}

/** The audit trail as auth writes it. */
export type Audit = AuditTrail<AuditEntry>;
