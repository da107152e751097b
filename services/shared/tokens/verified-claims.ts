import type { Scope } from "#shared/protocol/scope.ts";
import type { AccessClaims } from "./access-token.ts";

/** What a verified token says of its bearer, in our terms, whoever issued it. */
export interface VerifiedClaims extends Pick<
  AccessClaims,
  "iss" | "exp" | "sub" | "sid" | "tenant_id" | "roles" | "groups"
> {
  /** The key of auth that signed the token; empty for an outside issuer's, which auth cannot withdraw. */
  readonly kid: string;
  /** When the session began, in RFC 3339; of an outside issuer's, when the token was issued, where that is said. */
  readonly login_at?: string;
  /** The person's attributes as the token says them, by name. Whether they count is the tenant's to say. */
  readonly attributes?: Readonly<Record<string, readonly string[]>>;
  /** What the token is limited to; undefined where it may do what its subject may, as an outside issuer's always. */
  readonly scope: Scope | undefined;
  /** The connection id of the one stream that the token is good for calls about; undefined where it is not bound to one. */
  readonly context_id?: string | undefined;
  /** The token opens streams and nothing else. */
  readonly purpose?: "stream" | undefined;
  /** The session is not one of auth's: the token alone says how long it lasts. */
  readonly isOutside?: boolean;
}
