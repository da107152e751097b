import { createTokenBinding } from "./bind-token.ts";
import { createSessionCheck } from "./check-sessions.ts";
import { createClientTokenIssuer } from "./issue-client-token.ts";
import { createLogIn } from "./log-in.ts";
import { createRefreshSession } from "./refresh-session.ts";
import { createAccessRenewal } from "./renew-access.ts";

type WayDeps = Parameters<typeof createLogIn>[0] &
  Parameters<typeof createRefreshSession>[0] &
  Parameters<typeof createSessionCheck>[0] &
  Parameters<typeof createAccessRenewal>[0] &
  Parameters<typeof createTokenBinding>[0] &
  Parameters<typeof createClientTokenIssuer>[0];

/** Makes what auth does with sessions and their tokens. */
export function createSessionWays(deps: WayDeps) {
  return {
    logIn: createLogIn(deps),
    refresh: createRefreshSession(deps),
    checkSessions: createSessionCheck(deps),
    renewAccess: createAccessRenewal(deps),
    bindToken: createTokenBinding(deps),
    issueClientToken: createClientTokenIssuer(deps),
  };
}
