/** The demo's people, and what they are by the policy documents of their tenants. */
export const ACCOUNTS = [
  { name: "alice", tenant: "demo", role: "triager" },
  { name: "bob", tenant: "demo", role: "maintainer" },
  { name: "carol", tenant: "demo", role: "security, admin" },
  { name: "mallory", tenant: "rival", role: "another tenant" },
];
