import { jsonSchemaOf } from "../../shared/contracts/http/json-schema.ts";
import type { ApiOperation } from "../../shared/contracts/http/operation.ts";

/** One value that an operation takes. */
export interface Member {
  name: string;
  in: "path" | "query" | "body";
  isRequired: boolean;
  type?: string | undefined;
  /** The values that it can have; absent: any. */
  values?: readonly string[] | undefined;
  description?: string | undefined;
}

interface Schema {
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  description?: string;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  anyOf?: Schema[];
  oneOf?: Schema[];
}

/** Everything that an operation takes, in the order path, query, body. */
export function membersOf(
  operation: Pick<ApiOperation, "params" | "query" | "body">,
): readonly Member[] {
  const { params, query, body } = operation;
  return [
    ...membersIn("path", jsonSchemaOf(params, "parameters").schema as Schema),
    ...membersIn("query", jsonSchemaOf(query, "parameters").schema as Schema),
    ...(body ? membersIn("body", jsonSchemaOf(body, "parameters").schema as Schema) : []),
  ];
}

function membersIn(where: Member["in"], schema: Schema): Member[] {
  // The alternatives of a body that has several forms.
  const forms = schema.oneOf ?? schema.anyOf ?? [schema];
  const byName = new Map<string, Member>();
  for (const { properties = {}, required = [] } of forms) {
    for (const [name, property] of Object.entries(properties)) {
      const known = byName.get(name);
      const values = [...(known?.values ?? []), ...(valuesOf(property) ?? [])];
      byName.set(name, {
        name,
        in: where,
        isRequired: forms.every((form) => form.required?.includes(name)) && required.includes(name),
        type: Array.isArray(property.type) ? property.type[0] : property.type,
        values: values.length === 0 ? undefined : values,
        description: known?.description ?? property.description,
      });
    }
  }
  return [...byName.values()];
}

function valuesOf({ const: only, enum: values, items }: Schema): string[] | undefined {
  if (only !== undefined) return [String(only)];
  if (values) return values.filter((value) => value !== null).map(String);
  return items && valuesOf(items);
}
