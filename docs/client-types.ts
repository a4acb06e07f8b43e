import { compile } from "json-schema-to-typescript";

/** A JSON Schema, as far as it is changed here. */
type Schema = Record<string, unknown>;

interface Operation {
  operationId: string;
  tags?: string[];
  parameters?: {
    name: string;
    in: string;
    required?: boolean;
    schema: Schema;
    description?: string;
  }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { content?: Record<string, { schema?: Schema }> }>;
}

interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

/** Calls that are repeated without risk, because twice has the effect of once; so have `pause…` and `resume…`. */
const idempotentMethods = ["get", "put", "patch", "delete"];

const header = `// Generated from docs/contracts/openapi.json by \`npm run docs\`: do not edit.
`;

/**
 * Returns the source of `client/api-types.ts`: a type for the body, the query and the
 * answer of each operation below \`/v1\`, and the table of their methods and paths.
 */
export async function clientTypes(openApi: string): Promise<string> {
  const document = JSON.parse(openApi) as Document;
  const operations = Object.entries(document.paths)
    .filter(([path]) => path === "/health" || path.startsWith("/v1/"))
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    );
  const definitions: Record<string, Schema> = {};
  const references: Schema[] = [{ $ref: "#/components/schemas/Problem" }];
  for (const { operation } of operations) {
    const name = capitalised(operation.operationId);
    const body = schemaOf(operation.requestBody?.content);
    if (body) definitions[`${name}Body`] = body;
    const query = queryOf(operation);
    if (query) definitions[`${name}Query`] = query;
    const answer = answerOf(operation);
    if (answer && nameOf(answer) === undefined) definitions[`${name}Answer`] = answer;
    else if (answer) references.push(answer);
  }
  const used = withReferences(definitions, references, document.components.schemas);
  const interfaces = await compile(
    { title: "Schemas", type: "object", properties: {}, definitions: used } as never,
    "Schemas",
    {
      additionalProperties: false,
      bannerComment: "",
      unreachableDefinitions: true,
      style: { printWidth: 100 },
    },
  );
  const own = interfaces.replace(/^export interface Schemas \{\}\n/m, "").trim();
  return `${header}\n${tidy(own)}\n\n${operationTable(operations)}`;
}

/** Removes the comments that name a schema of its own: the reader sees the name. */
function tidy(source: string): string {
  return source
    .replace(/^ *\* This interface was referenced by .*\n(?: *\* via the .*\n)?/gm, "")
    .replace(/^ *\/\*\*\n(?: *\*\n)* *\*\/\n/gm, "")
    .replace(/\n *\*\n( *\*\/)/g, "\n$1");
}

function operationTable(
  operations: readonly { path: string; method: string; operation: Operation }[],
): string {
  const rows = operations.map(({ path, method, operation }) => {
    const { operationId, parameters = [] } = operation;
    const isKeyed = parameters.some(({ name }) => name.toLowerCase() === "idempotency-key");
    const isIdempotent = idempotentMethods.includes(method) || /^(pause|resume)/.test(operationId);
    const repeat = isKeyed ? "key" : isIdempotent ? "always" : "refused";
    return `  ${operationId}: { method: "${method.toUpperCase()}", path: "${path}", repeat: "${repeat}" },`;
  });
  const types = operations.map(({ operation, path }) => {
    const name = capitalised(operation.operationId);
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => `${parameter}: string`);
    const body = schemaOf(operation.requestBody?.content) ? `${name}Body` : "undefined";
    const query = queryOf(operation) ? `${name}Query` : "undefined";
    const inPath = names.length > 0 ? `{ ${names.join("; ")} }` : "undefined";
    const schema = answerOf(operation);
    const answer = schema ? (nameOf(schema) ?? `${name}Answer`) : "undefined";
    return `  ${operation.operationId}: { path: ${inPath}; query: ${query}; body: ${body}; answer: ${answer} };`;
  });
  return `/** The types of each operation. */
export interface Operations {
${types.join("\n")}
}

/**
 * The method and path of each operation, and when a call is repeated whose outcome is not
 * known: \`always\`, with its idempotency \`key\`, or only if it was \`refused\` before it had
 * an effect.
 */
export const operations = {
${rows.join("\n")}
} as const;
`;
}

/** The schema of an operation's successful answer; `undefined` if it has no body. */
function answerOf({ operationId, responses }: Operation): Schema | undefined {
  const successful = Object.entries(responses).filter(([status]) => status.startsWith("2"));
  const schemas = successful.map(([, { content }]) => schemaOf(content));
  const distinct = new Set(schemas.map((schema) => JSON.stringify(schema)));
  if (distinct.size !== 1) throw new Error(`${operationId} has several answers`);
  return schemas[0];
}

/** The name of a schema that is nothing but a reference. */
function nameOf({ $ref }: Schema): string | undefined {
  return typeof $ref === "string" ? $ref.split("/").at(-1) : undefined;
}

function queryOf({ parameters = [] }: Operation): Schema | undefined {
  const inQuery = parameters.filter((one) => one.in === "query");
  if (inQuery.length === 0) return undefined;
  return {
    type: "object",
    properties: Object.fromEntries(
      inQuery.map(({ name, schema, description }) => [
        name,
        { ...schema, ...(description ? { description } : {}) },
      ]),
    ),
    required: inQuery.filter(({ required }) => required).map(({ name }) => name),
  };
}

function schemaOf(content: Record<string, { schema?: Schema }> | undefined): Schema | undefined {
  return content?.["application/json"]?.schema;
}

/** Adds the named schemas that the definitions refer to, and turns all of them into the generator's form. */
function withReferences(
  definitions: Record<string, Schema>,
  extra: readonly Schema[],
  schemas: Record<string, Schema>,
): Record<string, Schema> {
  const all = { ...definitions };
  const pending = [...Object.values(definitions), ...extra];
  for (let schema = pending.pop(); schema; schema = pending.pop()) {
    for (const [, name = ""] of JSON.stringify(schema).matchAll(/#\/components\/schemas\/(\w+)/g)) {
      const found = schemas[name];
      if (all[name] || !found) continue;
      all[name] = found;
      pending.push(found);
    }
  }
  return Object.fromEntries(
    Object.entries(all).map(([name, one]) => [name, adapted(one) as Schema]),
  );
}

/** Constraints that a type cannot express; some would be written into comments. */
const dropped = new Set([
  "pattern",
  "examples",
  "example",
  "propertyNames",
  "if",
  "then",
  "minItems",
  "maxItems",
  "format",
  "title",
]);

function adapted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(adapted);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).filter(([name]) => !dropped.has(name));
  const schema: Schema = Object.fromEntries(
    members.map(([name, member]) => [
      name,
      name === "$ref"
        ? String(member).replace("#/components/schemas/", "#/definitions/")
        : name === "properties"
          ? propertiesOf(member as Schema)
          : adapted(member),
    ]),
  );
  // Conditions on members, such as "at least one of them": a type cannot express them.
  const conditions = ["anyOf", "oneOf", "allOf"].filter(
    (name) => Array.isArray(schema[name]) && schema[name].every(isCondition),
  );
  for (const name of conditions) delete schema[name];
  const { properties = {}, additionalProperties } = schema;
  const isOpen = JSON.stringify(additionalProperties) === "{}";
  if (isOpen && Object.keys(properties as object).length > 0) delete schema.additionalProperties;
  return schema;
}

/** Whether a schema says something about an object whose members are declared outside of it. */
function isCondition(schema: unknown): boolean {
  return !["type", "$ref", "const", "enum", "anyOf"].some((name) => name in Object(schema));
}

/** A property may be called like a keyword. */
function propertiesOf(properties: Schema): Schema {
  return Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, adapted(one)]));
}

function capitalised(name: string): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}
