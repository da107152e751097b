import { describe, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { findCycle, findImports, isTest, readSources, type Source } from "./read-sources.ts";

const services = readSources("services/");
const shipped = services.filter((source) => !isTest(source));
const everything = readSources("services/", "scripts/", "test/");

describe("services are islands", () => {
  test("a service imports its own files, shared, generated code and packages", () => {
    const wrong = findImports(services, (source, { file }) => {
      if (file === undefined || file === "package.json") return false;
      if (file.startsWith("services/shared/") || file.startsWith("proto/gen/")) return false;
      if (isTest(source) && file.startsWith("test/")) return false;
      // The console follows streams by our own client, as any page may.
      if (file === BASE_STYLE && serviceOf(source.path) === "console") return false;
      if (file === CLIENT && serviceOf(source.path) === "console") return false;
      // The console's editor completes by it.
      if (file === "infra/policies/policy.schema.json") return serviceOf(source.path) !== "console";
      return serviceOf(file) !== serviceOf(source.path);
    });
    expect(wrong).toEqual([]);
  });

  test("the console imports of other folders the client, the protocol, types of the contract and the schema of documents alone, and nothing of Node's: browsers run it", () => {
    const sources = shipped.filter(({ path }) => path.startsWith("services/console/") && !path.endsWith(".config.ts"));
    const wrong = findImports(sources, ({ text }, { file, specifier }) => {
      if (file === undefined) return specifier.startsWith("node:");
      if (file === "infra/policies/policy.schema.json") return false;
      // A type leaves nothing in the page: the contract's schemas would.
      const isType = new RegExp(`^import type [^;]*from "${specifier}";$`, "m").test(text);
      if (isType && file.startsWith("services/shared/contract/")) return false;
      if (file === CLIENT || file === BASE_STYLE) return false;
      return !file.startsWith("services/console/") && !file.startsWith("services/shared/protocol/");
    });
    expect(sources.length).toBeGreaterThan(0);
    expect(wrong).toEqual([]);
  });

  test("the client imports of other folders the protocol alone, and one package besides types: pages load all of it", () => {
    const sources = shipped.filter(({ path }) => path.startsWith("services/client/") && !path.endsWith(".config.ts"));
    const wrong = findImports(sources, ({ path, text }, { file, specifier }) => {
      if (path.startsWith("services/client/frameworks/") && /^(react|vue|svelte)\b/.test(specifier)) return false;
      if (file !== undefined)
        return !file.startsWith("services/client/") && !file.startsWith("services/shared/protocol/");
      if (specifier === "@standard-schema/spec") return !/^import type .* from "@standard-schema\/spec";$/m.test(text);
      return specifier !== "eventsource-parser";
    });
    expect(sources.length).toBeGreaterThan(0);
    expect(wrong).toEqual([]);
  });

  test("no screen of the console imports another", () => {
    const screenOf = (path = ""): string | undefined => /^services\/console\/screens\/([^/]+)\//.exec(path)?.[1];
    const wrong = findImports(shipped, ({ path }, { file }) => {
      const [from, to] = [screenOf(path), screenOf(file)];
      return from !== undefined && to !== undefined && from !== to;
    });
    expect(wrong).toEqual([]);
  });

  test("a script imports no service", () => {
    const scripts = everything.filter(({ path }) => path.startsWith("scripts/"));
    // What makes password hashes uses the code that checks them, what turns keys the code that keeps them, and what looks
    // at policy documents the code that reads and compiles them; what looks for entries that no edge shows reads and
    // decodes them as an edge does; what tells where events went reads the connection log as policy does; what explains settings
    // asks the schemas that read them; what describes the APIs adds their routes, and the calls of one edge to another.
    const allowed =
      /^services\/(shared\/|[a-z]+\/config\.ts$|auth\/users\/password-hash\.ts$|auth\/keys\/|policy\/(document|decide)\/|policy\/bus\/person-history\.ts$|[a-z]+\/http\/(api|health-route)\.ts$|stream\/(bus\/(decode-entry|read-batch|peer-calls)|event)\.ts$)/;
    const wrong = findImports(scripts, (_, { file = "" }) => file.startsWith("services/") && !allowed.test(file));
    expect(wrong).toEqual([]);
  });

  test("main starts app, app wires the rest, and nothing imports them back", () => {
    const wrong = findImports(shipped, (source, { file }) => {
      if (file === undefined || !/^services\/[^/]+\/(main\.ts|app\.ts|app\/.*)$/.test(file)) return false;
      if (file.includes("/app/")) return !WIRES.test(source.path);
      return !(file.endsWith("/app.ts") && source.path.endsWith("/main.ts"));
    });
    expect(wrong).toEqual([]);
  });
});

/** What constructs and wires a service. */
const WIRES = /^services\/[^/]+\/app(\.ts$|\/)/;

describe("a technology stays where its adapters are", () => {
  // Each technology may also be named by app.ts and its parts, which construct its clients and hand them to the adapters.
  const technologies = [
    {
      name: "gRPC and generated code",
      packages: /^(@grpc\/|#proto\/)/,
      home: /\/(grpc|clients)\//,
      place: "in grpc/ and clients/",
    },
    {
      name: "NATS",
      packages: /^@nats-io\//,
      home: /\/bus\/|-kv\.ts$|\/(announce|append)(-[a-z-]+)?\.ts$|^services\/shared\/nats\//,
      place: "in bus/, *-kv.ts, announce*.ts, append-*.ts and shared/nats",
    },
    {
      name: "ioredis",
      packages: /^ioredis$/,
      home: /-redis\.ts$|^services\/shared\/redis\//,
      place: "in *-redis.ts and shared/redis",
    },
    {
      name: "OpenTelemetry",
      packages: /^@opentelemetry\//,
      home: /^services\/shared\/trace\//,
      place: "in shared/trace",
    },
    {
      name: "HTTP",
      packages: /^(node:https?|node:http2|hono|hono\/.*|@hono\/.*)$/,
      home: /\/(http|sse)\//,
      place: "in http/, sse/ and shared/http",
    },
  ];
  test.for(technologies)("$name is named only $place", ({ packages, home }) => {
    const wrong = findImports(shipped, ({ path }, { specifier }) => {
      return packages.test(specifier) && !home.test(path) && !WIRES.test(path);
    });
    expect(wrong).toEqual([]);
  });

  test("OpenTelemetry is loaded where an endpoint is set, and nowhere else", () => {
    const loads = /^import (?!type\b).*"\.\/(otlp-tracer|bounded-spans)\.ts"/m;
    const loaders = shipped.filter(({ path, text }) => loads.test(text) && !path.endsWith("/otlp-tracer.ts"));
    expect(loaders.map(({ path }) => path)).toEqual([]);
  });

  test("the environment and signals are read only by main.ts, config.ts and shared/lifecycle", () => {
    const readers = shipped.filter(({ path, text }) => {
      if (/\/(main|config)\.ts$/.test(path) || path.startsWith("services/shared/lifecycle/")) return false;
      return /\bprocess\.env\b|\bprocess\.(on|once)\(\s*"SIG/.test(text);
    });
    expect(readers.map(({ path }) => path)).toEqual([]);
  });
});

describe("the image, which has no development packages,", () => {
  const programs = everything.filter(({ path }) => /^(services\/[^/]+\/main|scripts\/sluice)\.ts$/.test(path));

  test.each(programs.map(({ path }) => [path]))("has every package and file that %s imports", (program) => {
    const sources = new Map(everything.map((source) => [source.path, source]));
    const reached = new Set([program]);
    // A set that grows while it is walked is walked to its end.
    for (const path of reached) for (const file of filesOf(sources.get(path)?.imports ?? [])) reached.add(file);
    const wrong = findImports(
      [...reached].flatMap((path) => sources.get(path) ?? []),
      (_, { file, specifier }) => {
        if (file !== undefined) return !/^(services|proto\/gen|scripts)\/|^package\.json$/.test(file);
        return !specifier.startsWith("node:") && !(packageOf(specifier) in manifest.dependencies);
      },
    );
    expect(reached.size).toBeGreaterThan(1);
    expect(wrong).toEqual([]);
  });
});

describe("arrows have one direction", () => {
  test("no file imports itself by a way round", () => {
    const graph = new Map(everything.map(({ path, imports }) => [path, filesOf(imports)]));
    expect(findCycle(graph)?.join(" → ")).toBeUndefined();
  });

  test.each(["auth", "client", "console", "policy", "publish", "shared", "stream"])(
    "no folder of services/%s imports itself by a way round",
    (service) => {
      const graph = new Map<string, string[]>();
      for (const { path, imports } of shipped.filter((source) => source.path.startsWith(`services/${service}/`))) {
        const [folder] = foldersOf([path]);
        if (folder === undefined) continue;
        const targets = foldersOf(filesOf(imports)).filter((target) => target !== folder);
        graph.set(folder, [...(graph.get(folder) ?? []), ...targets]);
      }
      expect(findCycle(graph)?.join(" → ")).toBeUndefined();
    },
  );

  test("there are no barrels", () => {
    const barrels = everything.filter(
      ({ path, text }) => path.endsWith("/index.ts") || /^export \* (as \w+ )?from /m.test(text),
    );
    expect(barrels.map(({ path }) => path)).toEqual([]);
  });

  test("there are no default exports, except where a tool asks for one", () => {
    const wrong = everything.filter(({ text }) => /^export default\b|^export \{[^}]*\bas default\b/m.test(text));
    expect(wrong.map(({ path }) => path)).toEqual([
      "services/client/tsdown.config.ts",
      "services/console/vite.config.ts",
      "test/vitest.config.ts",
    ]);
  });
});

/** What the console and the demo's page look like alike. */
const BASE_STYLE = "infra/demo/page/base.css";

/** What the client exports. */
const CLIENT = "services/client/client.ts";

function serviceOf(path: string): string | undefined {
  return /^services\/([^/]+)\//.exec(path)?.[1];
}

/** `@nats-io/kv/internal` is of the package `@nats-io/kv`. */
function packageOf(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

/** The folders of a service that files lie in; a file at the service's own top is in none of them. */
function foldersOf(paths: readonly string[]): string[] {
  return paths.flatMap((path) => /^services\/[^/]+\/[^/]+\//.exec(path)?.[0] ?? []);
}

function filesOf(imports: Source["imports"]): string[] {
  return imports.flatMap(({ file }) => file ?? []);
}
