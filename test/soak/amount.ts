/** The environment variable by which a soak tells a test how much to do: `<name>=<amount>`. */
export const AMOUNT_VARIABLE = "SLUICE_SOAK_AMOUNT";

/** The environment variable with the seed of a soak. */
export const SEED_VARIABLE = "SLUICE_SOAK_SEED";

/** How long a test may take: `ordinaryMs` in the suite, hours in a soak. */
export function timeoutOf(ordinaryMs: number): number {
  return process.env[AMOUNT_VARIABLE] === undefined ? ordinaryMs : 10 * 3_600_000;
}

/** How much a test does: `ordinary` in the suite, and what was asked for in a soak of that name. */
export function amountOf(name: string, ordinary: number): number {
  const [asked, amount] = (process.env[AMOUNT_VARIABLE] ?? "").split("=");
  return asked === name ? Number(amount) : ordinary;
}
