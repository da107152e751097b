import type { Login } from "#test/support/start-stack.ts";
import { type Answer, bothOf, call, pairsOf, type Probe, type ProbeDeps, require } from "../probe.ts";

/** Sessions of one auth go on at the other, and end there. */
export async function createSessionsProbe({ cluster }: ProbeDeps): Promise<Probe> {
  const logIn = async (url: string): Promise<Login> =>
    require("a login", 200, await call("POST", `${url}/v1/auth/login`, undefined, ALICE)) as unknown as Login;
  const refresh = (url: string, token: string): Promise<Answer> =>
    call("POST", `${url}/v1/auth/refresh`, undefined, { refresh_token: token });
  const kept = await Promise.all(bothOf(cluster, "auth").map(logIn));
  return {
    name: "sessions",
    async look() {
      for (const [index, [here, there]] of pairsOf(cluster, "auth").entries()) {
        const { refresh_token: parent = "" } = kept[index] ?? {};
        const next = require("a refresh", 200, await refresh(here, parent)) as unknown as Login;
        const again = require("the same refresh at the other one", 200, await refresh(there, parent));
        if (again["refresh_token"] !== next.refresh_token) throw new Error("two successors of one refresh token");
        kept[index] = next;
        await isTaken(next.access_token);
        const ending = await logIn(here);
        await call("POST", `${there}/v1/auth/logout`, ending.access_token);
        require("a refresh after the logout at the other one", 401, await refresh(here, ending.refresh_token));
        for (const edge of bothOf(cluster, "stream")) {
          const answer = await call("GET", `${edge}/v1/stream?topic=issues.>`, ending.access_token);
          require("a stream after the logout", 401, answer);
        }
      }
    },
  };

  async function isTaken(token: string): Promise<void> {
    for (const auth of bothOf(cluster, "auth")) {
      require("auth takes the token", 200, await call("GET", `${auth}/v1/auth/sessions`, token));
    }
    for (const edge of bothOf(cluster, "stream")) {
      require("the edge takes the token", 200, await call("GET", `${edge}/v1/subscriptions`, token));
    }
  }
}

const ALICE = { tenant: "demo", username: "alice", password: "sluice-demo" };
