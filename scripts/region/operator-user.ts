/** The variable that holds the password of the operator's user in the account of the region's own home. */
export const OPERATOR_PASSWORD = "NATS_OPERATOR_PASSWORD";

/** What that user of a home is called in a region. */
export function operatorOf(home: string, region: string): string {
  return home === region ? "operator" : `operator-${home}`;
}

/** Where that user asks every server how its replicas are; the system account, which answers, is nobody's. */
export const HEALTH_QUESTION = "region.health";

/**
 * The user as which `sluice region` comes to an account of a home. It sees what streams there are and gives them other settings, makes
 * the consumer that keeps two commands apart, writes its entries of the audit trail, sees who is connected to the account and how the servers' replicas are, and reads what
 * a region alone has, but for private keys and producers' secrets. Who may change settings can have a stream copied anywhere: whoever has its password is an operator.
 */
export const OPERATOR_USER = `      # \`sluice region\` fences and promotes the home, and has a region rejoin.
      {
        user: operator
        password: $${OPERATOR_PASSWORD}
        permissions {
          publish {
            allow: [
              "$JS.API.STREAM.LIST", "$JS.API.STREAM.INFO.*", "$JS.API.STREAM.UPDATE.*", "$JS.API.STREAM.DELETE.*"
              "$JS.API.STREAM.MSG.GET.*"
              "$JS.API.CONSUMER.CREATE.KV_sluice_policy.region_command"
              "$JS.API.CONSUMER.DELETE.KV_sluice_policy.region_command"
              "audit.@home.*"
              "$SYS.REQ.ACCOUNT.PING.STATZ", "$SYS.REQ.ACCOUNT.PING.CONNZ", "${HEALTH_QUESTION}"
            ]
            deny: ["$JS.API.STREAM.MSG.GET.KV_sluice_keys", "$JS.API.STREAM.MSG.GET.KV_sluice_clients"]
          }
          subscribe { allow: ["_INBOX.operator.>"] }
        }
      }
`;
