/** A login: what all tokens of it have in common. Its id is also the family of its refresh tokens. */
export interface Session {
  readonly sid: string;
  readonly tenant: string;
  readonly subject: string;
  readonly clientId: string;
  /** When the user gave their password, in RFC 3339. */
  readonly loginAt: string;
  /** When it ends at the latest, in milliseconds of auth's clock. */
  readonly endsAt: number;
}

/** A session as it is stored; one that has ended is kept until `endsAt`, so that its tokens stay dead. */
export interface SessionRecord extends Session {
  readonly isLive: boolean;
}

/** What became of a presented refresh token. */
export type Rotation =
  /** Its successor is the next generation, also when this was asked before. */
  | { readonly verdict: "rotated"; readonly session: Session }
  /** It was spent; the session is dead from now on, and its end must still be recorded. */
  | { readonly verdict: "reused"; readonly session: Session }
  /** There is no such session any more. */
  | { readonly verdict: "ended" };

/** Where sessions are kept. Every method throws AppError `unavailable` when the store does not answer; it may have acted. */
export interface SessionStore {
  create(session: Session): Promise<void>;
  find(sid: string): Promise<SessionRecord | undefined>;
  /** Spends a generation of the family's refresh tokens, atomically; see the script for the rules. */
  rotate(sid: string, generation: number): Promise<Rotation>;
  /** Marks the session ended, after its end was recorded. Idempotent. */
  end(sid: string): Promise<void>;
}

/** The one place whose word on a revocation counts. Both methods throw AppError `unavailable` when it does not answer. */
export interface Revocations {
  /** Stores that the session has ended, before it answers. Idempotent. */
  record(tenant: string, sid: string): Promise<void>;
  /** Whether an end was recorded; sees every `record` that was answered before. */
  includes(tenant: string, sid: string): Promise<boolean>;
}
