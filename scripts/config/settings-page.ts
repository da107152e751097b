import { describeSettings, type DescribedSetting } from "./describe-settings.ts";
import { readMeanings } from "./meanings.ts";
import { SERVICES } from "./services.ts";

const HEAD = `# All settings

Every environment variable that a service reads, with the services that read it. What a start says of them: [settings of
auth](settings-auth.md#what-a-start-says); the pages of the services say more: [auth](settings-auth.md), [policy](settings-policy.md),
[publisher](settings-publish.md), [edge](settings-stream.md). \`npx sluice config list\` prints them with their values, and \`npx sluice config check\`
says what is wrong with them.

This page is written by \`npm run gen\`, from the schemas by which the services read them.

| variable | read by | default | meaning |
| --- | --- | --- | --- |
`;

/** The page of the documentation that lists the settings of all services. */
export async function settingsPage(): Promise<string> {
  const described = await Promise.all(
    SERVICES.map(async (service) => describeSettings(service, {}, await readMeanings(service))),
  );
  const byName = new Map<string, DescribedSetting[]>();
  for (const setting of described.flat()) byName.set(setting.name, [...(byName.get(setting.name) ?? []), setting]);
  const rows = [...byName].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, settings]) => rowOf(name, settings));
  return HEAD + rows.join("");
}

function rowOf(name: string, settings: readonly DescribedSetting[]): string {
  const [first] = settings;
  const readBy = settings.map(({ service }) => service).join(", ");
  const byDefault =
    first?.source === "missing" ? "must be set" : first?.default === undefined ? "none" : `\`${first.default}\``;
  const explained = settings.find(({ meaning }) => meaning !== undefined);
  // A link within the service's own page leads there from here.
  const meaning = (explained?.meaning ?? "").replaceAll("](#", `](settings-${explained?.service}.md#`);
  return `| \`${name}\` | ${readBy} | ${byDefault} | ${meaning} |\n`;
}
