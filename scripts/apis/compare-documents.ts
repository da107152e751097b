/** A document of OpenAPI, as far as it is compared. */
type Json = Readonly<Record<string, unknown>>;

/**
 * What a document takes away from clients that were written by an earlier one, each in words: calls, parameters and answers that
 * are gone, what a request must have now and need not have before, members of answers that are gone or need not be there.
 */
export function findBreaks(before: Json, after: Json): readonly string[] {
  const breaks: string[] = [];
  const calls = callsOf(after);
  for (const [name, call] of callsOf(before)) {
    const present = calls.get(name);
    if (present === undefined) breaks.push(`${name} is gone`);
    else breaks.push(...breaksOfCall([before, call], [after, present]).map((each) => `${name}: ${each}`));
  }
  return breaks;
}

/** A part of a document with the document that its references lead into. */
type Within = readonly [document: Json, part: unknown];

const METHODS = ["get", "put", "post", "delete", "patch"];

function callsOf(document: Json): Map<string, Json> {
  const paths = Object.entries(objectOf(document["paths"]));
  return new Map(
    paths.flatMap(([path, methods]) =>
      Object.entries(objectOf(methods))
        .filter(([method]) => METHODS.includes(method))
        .map(([method, call]) => [`${method.toUpperCase()} ${path}`, objectOf(call)] as const),
    ),
  );
}

function breaksOfCall([before, was]: readonly [Json, Json], [after, is]: readonly [Json, Json]): string[] {
  const [old, now] = [parametersOf(was), parametersOf(is)];
  const gone = [...old.keys()].filter((name) => !now.has(name)).map((name) => `the parameter ${name} is gone`);
  const narrowed = [...old].flatMap(([name, parameter]) => {
    const present = now.get(name);
    if (present === undefined) return [];
    return narrowings([before, parameter["schema"]], [after, present["schema"]], `the parameter ${name}`);
  });
  const demanded = [...now]
    .filter(([name, { required }]) => required === true && old.get(name)?.["required"] !== true)
    .map(([name]) => `the parameter ${name} must be given now`);
  const [body, wanted] = [objectOf(was["requestBody"]), objectOf(is["requestBody"])];
  const bodyDemanded = wanted["required"] === true && body["required"] !== true ? ["a body must be sent now"] : [];
  return [
    ...gone,
    ...narrowed,
    ...demanded,
    ...bodyDemanded,
    ...breaksOfBody([before, body], [after, wanted]),
    ...breaksOfAnswers([before, was], [after, is]),
  ];
}

function parametersOf(call: Json): Map<string, Json> {
  const parameters = Array.isArray(call["parameters"]) ? (call["parameters"] as Json[]) : [];
  return new Map(parameters.map((each) => [`${String(each["in"])} ${String(each["name"])}`, each]));
}

function breaksOfBody([before, was]: Within, [after, is]: Within): string[] {
  const [old, now] = [objectOf(objectOf(was)["content"]), objectOf(objectOf(is)["content"])];
  return Object.entries(old).flatMap(([type, content]) => {
    if (!(type in now)) return [`a body of ${type} is not taken any more`];
    return narrowings([before, objectOf(content)["schema"]], [after, objectOf(now[type])["schema"]], "the body");
  });
}

/** What a request was allowed to be, and is not any more. */
function narrowings([before, old]: Within, [after, now]: Within, where: string): string[] {
  const [was, is] = [resolve(before, old), resolve(after, now)];
  const [members, present] = [objectOf(was["properties"]), objectOf(is["properties"])];
  const gone = Object.keys(members).filter((name) => !(name in present) && is["additionalProperties"] === false);
  const demanded = listOf(is["required"]).filter((name) => !listOf(was["required"]).includes(name));
  const choices = listOf(was["enum"]).filter(
    (choice) => is["enum"] !== undefined && !listOf(is["enum"]).includes(choice),
  );
  const type =
    typeof was["type"] === "string" && is["type"] !== was["type"] ? [`${where} is no ${was["type"]} any more`] : [];
  return [
    ...type,
    ...gone.map((name) => `${where} may not have "${name}" any more`),
    ...demanded.map((name) => `${where} must have "${name}" now`),
    ...choices.map((choice) => `${where} may not be "${choice}" any more`),
    ...Object.keys(members)
      .filter((name) => name in present)
      .flatMap((name) => narrowings([before, members[name]], [after, present[name]], `"${name}" of ${where}`)),
  ];
}

function breaksOfAnswers([before, was]: Within, [after, is]: Within): string[] {
  const [old, now] = [objectOf(objectOf(was)["responses"]), objectOf(objectOf(is)["responses"])];
  const successes = Object.keys(old).filter((status) => status.startsWith("2"));
  return successes.flatMap((status) => {
    if (!(status in now)) return [`the answer ${status} is gone`];
    const [content, present] = [objectOf(objectOf(old[status])["content"]), objectOf(objectOf(now[status])["content"])];
    return Object.entries(content).flatMap(([type, described]) => {
      if (!(type in present)) return [`the answer ${status} is no ${type} any more`];
      const [schema, other] = [objectOf(described)["schema"], objectOf(present[type])["schema"]];
      return losses([before, schema], [after, other], `the answer ${status}`);
    });
  });
}

/** What an answer had for certain, and has not any more. */
function losses([before, old]: Within, [after, now]: Within, where: string): string[] {
  const [was, is] = [resolve(before, old), resolve(after, now)];
  if (String(was["type"]) !== String(is["type"])) return [`${where} is of another type`];
  if (was["type"] === "array") return losses([before, was["items"]], [after, is["items"]], `each item of ${where}`);
  const [members, present] = [objectOf(was["properties"]), objectOf(is["properties"])];
  return Object.keys(members).flatMap((name) => {
    if (!(name in present)) return [`${where} has no "${name}" any more`];
    const isCertain = listOf(was["required"]).includes(name);
    const lost = isCertain && !listOf(is["required"]).includes(name) ? [`${where} may lack "${name}" now`] : [];
    return [...lost, ...losses([before, members[name]], [after, present[name]], `"${name}" of ${where}`)];
  });
}

/** A schema behind its reference into the document's components. */
function resolve(document: Json, schema: unknown): Json {
  const reference = objectOf(schema)["$ref"];
  if (typeof reference !== "string") return objectOf(schema);
  const name = reference.replace("#/components/schemas/", "");
  return objectOf(objectOf(objectOf(document["components"])["schemas"])[name]);
}

function objectOf(value: unknown): Json {
  return typeof value === "object" && value !== null ? (value as Json) : {};
}

function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
