/**
 * The names by which an edge counts the tenants of a home: their own in the own home, which has no name, and `<home>/<tenant>` in a
 * further one. No tenant's id has a slash, so that equally named tenants of two homes are two.
 */
export function nameWithin(home: string | undefined): (tenant: string) => string {
  return home === undefined ? (tenant) => tenant : (tenant) => `${home}/${tenant}`;
}
