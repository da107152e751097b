/** The environment variable by which a soak tells a test how much to do: `<name>=<amount>`. */
export const AMOUNT_VARIABLE = "SLUICE_SOAK_AMOUNT";

/** How much a test does: `ordinary` in the suite, and what was asked for in a soak of that name. */
export function amountOf(name: string, ordinary: number): number {
  const [asked, amount] = (process.env[AMOUNT_VARIABLE] ?? "").split("=");
  return asked === name ? Number(amount) : ordinary;
}
