import * as z from "zod/mini";

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** A schema that refers to named ones, and these by their names. */
interface Described {
  schema: JsonSchema;
  components: Record<string, JsonSchema>;
}

/**
 * The JSON Schema of what callers send or get.
 *
 * - An answer may get new members in a later version, so that no schema of one refuses them.
 * - An optional member of a body may be `null`, which is as if it were absent.
 */
export function jsonSchemaOf(
  schema: z.ZodMiniType,
  of: "answer" | "body" | "parameters",
): Described {
  const { $schema, $defs, id, ...root } = z.toJSONSchema(schema, {
    io: of === "answer" ? "output" : "input",
    override({ jsonSchema }) {
      if (of === "answer" && jsonSchema.additionalProperties === false) {
        delete jsonSchema.additionalProperties;
      }
      if (of === "body") takeNull(jsonSchema);
    },
  }) as JsonSchema & { id?: string };
  const components = Object.fromEntries(
    Object.entries($defs ?? {}).map(([name, part]) => [name, referring(withoutId(part))]),
  );
  const described = referring(root);
  if (id === undefined) return { schema: described, components };
  return {
    schema: { $ref: referenceTo(id) },
    components: { ...components, [id]: described },
  };
}

export const referenceTo = (name: string) => `#/components/schemas/${name}`;

function withoutId({ id: _, ...schema }: JsonSchema & { id?: string }): JsonSchema {
  return schema;
}

/** The schema with its references to `$defs` leading to the components. */
function referring(schema: JsonSchema): JsonSchema {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/'));
}

function takeNull({ properties = {}, required = [] }: JsonSchema): void {
  for (const [name, property] of Object.entries(properties)) {
    if (required.includes(name) || typeof property === "boolean") continue;
    properties[name] = withNull(property);
  }
}

function withNull(schema: JsonSchema): JsonSchema {
  const { type, enum: values, description, anyOf } = schema;
  if (typeof type === "string" && schema.const === undefined) {
    // JSON Schema allows a list of types, zod's type of a schema does not know it.
    const types = [type, "null"] as unknown as "null";
    return { ...schema, type: types, ...(values ? { enum: [...values, null] } : {}) };
  }
  if (anyOf?.some((one) => one.type === "null")) return schema;
  if (Object.keys(schema).every((key) => key === "description")) return schema;
  const { description: _, ...rest } = schema;
  return { ...(description ? { description } : {}), anyOf: [rest, { type: "null" }] };
}
