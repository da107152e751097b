import type { Provider } from "./provider.ts";

export const githubActions: Provider = {
  name: "GitHub Actions",
  token: "OIDC token of a workflow",
  needs: "one issuer for all of GitHub: the owner of the repository is the tenant",
  entry: `- issuer: https://token.actions.githubusercontent.com
  audience: sluice
  tenant_claim: repository_owner
  tenants: { octo-org: acme }
  claims:
    attributes: { repository: repository, ref: ref }
`,
  alg: "RS256",
  header: { typ: "JWT", x5t: "example-thumbprint", kid: "example-key-id" },
  jwksUri: "https://token.actions.githubusercontent.com/.well-known/jwks",
  claims: {
    jti: "example-id",
    sub: "repo:octo-org/octo-repo:environment:prod",
    environment: "prod",
    aud: "sluice",
    ref: "refs/heads/main",
    sha: "example-sha",
    repository: "octo-org/octo-repo",
    repository_owner: "octo-org",
    actor_id: "12",
    repository_visibility: "private",
    repository_id: "74",
    repository_owner_id: "65",
    run_id: "example-run-id",
    runner_environment: "github-hosted",
    actor: "octocat",
    workflow: "example-workflow",
    event_name: "workflow_dispatch",
    ref_type: "branch",
    job_workflow_ref: "octo-org/octo-automation/.github/workflows/oidc.yml@refs/heads/main",
    iss: "https://token.actions.githubusercontent.com",
    nbf: 1_700_000_000,
  },
  expected: {
    tenant_id: "acme",
    sub: "repo:octo-org/octo-repo:environment:prod",
    roles: [],
    groups: [],
    attributes: { repository: ["octo-org/octo-repo"], ref: ["refs/heads/main"] },
  },
};
