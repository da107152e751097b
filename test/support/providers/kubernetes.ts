import type { Provider } from "./provider.ts";

export const kubernetes: Provider = {
  name: "Kubernetes",
  token: "projected service account token",
  needs:
    "a CA of its own, no `typ`; the namespace is the tenant; anonymous users must be allowed to read the issuer's metadata",
  entry: `- issuer: https://kubernetes.default.svc.cluster.local
  ca_file: /var/run/secrets/kubernetes.io/serviceaccount/ca.crt
  audience: sluice
  tenant_claim: [kubernetes.io, namespace]
  tenant_pattern: team-{tenant}
  tenants: [acme, globex]
  claims:
    attributes: { workload: [kubernetes.io, serviceaccount, name] }
`,
  alg: "RS256",
  header: { kid: "AQPWcSYOLBcbdFCHzhfBQyuVkJRZyPqJC2TGfzIHfSA" },
  jwksUri: "https://172.20.0.3:6443/openid/v1/jwks",
  claims: {
    aud: ["sluice"],
    iss: "https://kubernetes.default.svc.cluster.local",
    jti: "e51f1fbc-4733-4b85-a59f-ba80c0523874",
    "kubernetes.io": {
      namespace: "team-acme",
      node: { name: "worker-1", uid: "517eb86e-b863-451b-bf70-86cb61439a3a" },
      pod: { name: "reports-6d8f", uid: "0d8b260e-ef0e-45fb-be8e-ff44f97722e8" },
      serviceaccount: { name: "reports", uid: "e6a8680e-d103-4cce-80ea-03acbbeacf7d" },
      warnafter: 1_717_674_962,
    },
    nbf: 1_700_000_000,
    sub: "system:serviceaccount:team-acme:reports",
  },
  expected: {
    tenant_id: "acme",
    sub: "system:serviceaccount:team-acme:reports",
    roles: [],
    groups: [],
    attributes: { workload: ["reports"] },
  },
};
