/** What of a CycloneDX document is looked at here. */
export interface Bom {
  readonly metadata: { readonly component: BomComponent };
  readonly components: readonly BomComponent[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

interface BomComponent {
  readonly "bom-ref": string;
  readonly name: string;
}

/**
 * Keeps of a bill of materials the named packages that the product depends on, and all that they depend on in turn. The product gets the
 * name and version of its manifest; whatever differs from one run to the next is left out.
 */
export function keepShipped(bom: Bom, product: { name: string; version: string }, shipped: Iterable<string>): object {
  const root = `${product.name}@${product.version}`;
  const namesOf = new Map(bom.components.map((each) => [each["bom-ref"], each.name]));
  const neededBy = new Map(bom.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
  const wanted = new Set(shipped);
  const direct = (neededBy.get(root) ?? []).filter((ref) => wanted.has(namesOf.get(ref) ?? ""));
  const kept = new Set(direct);
  for (const ref of kept) for (const next of neededBy.get(ref) ?? []) kept.add(next);
  const { serialNumber: _, metadata: __, ...rest } = bom as Bom & { serialNumber?: string };
  const { component } = bom.metadata;
  return {
    ...rest,
    metadata: { component: { ...component, "bom-ref": root, type: "application", name: product.name } },
    components: bom.components.filter((each) => kept.has(each["bom-ref"])),
    dependencies: [{ ref: root, dependsOn: direct }, ...bom.dependencies.filter(({ ref }) => kept.has(ref))],
  };
}
