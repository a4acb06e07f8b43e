import * as z from "zod/mini";
import { isObject } from "../json/json.ts";

/**
 * Returns a body of a call in the form that its contract describes, before it is validated:
 *
 * - A number that the contract knows is taken by its value, however the sender's encoder
 *   writes it (`3.0e2`, `1.0`, `-0`). What a contract passes on unchanged, such as the params
 *   of a request, keeps every digit.
 * - An optional member that is `null` is absent, unless the contract gives `null` a meaning.
 */
export function byContract(schema: z.core.$ZodType, value: unknown): unknown {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "unknown":
    case "any":
      return value;
    case "object":
      return isObject(value) ? objectByContract(def, value) : byValue(value);
    case "record":
      return isObject(value)
        ? mapMembers(value, (member) => byContract(def.valueType, member))
        : byValue(value);
    case "array":
      return Array.isArray(value)
        ? value.map((item) => byContract(def.element, item))
        : byValue(value);
    case "tuple":
      return Array.isArray(value) ? tupleByContract(def, value) : byValue(value);
    case "union":
      return unionByContract(def.options, value);
    case "pipe":
      return byContract(def.in, value);
    case "optional":
    case "nullable":
    case "default":
    case "readonly":
      return byContract(def.innerType, value);
    default:
      return byValue(value);
  }
}

function objectByContract(
  { shape, catchall }: Pick<z.core.$ZodObjectDef, "shape" | "catchall">,
  value: Record<string, unknown>,
): unknown {
  const members = Object.entries(value).filter(([key, member]) => {
    const schema = Object.hasOwn(shape, key) ? shape[key] : undefined;
    const isAbsent = member === null && schema?._zod.optin === "optional";
    return !(isAbsent && !z.safeParse(schema, null).success);
  });
  return mapMembers(Object.fromEntries(members), (member, key) => {
    const schema = Object.hasOwn(shape, key) ? shape[key] : catchall;
    return schema ? byContract(schema, member) : member;
  });
}

function tupleByContract(
  { items, rest }: Pick<z.core.$ZodTupleDef, "items" | "rest">,
  value: readonly unknown[],
): unknown[] {
  return value.map((item, n) => {
    const schema = items[n] ?? rest;
    return schema ? byContract(schema, item) : item;
  });
}

/** The value as the first option takes it; as none does, the errors are those of the first. */
function unionByContract(options: readonly z.core.$ZodType[], value: unknown): unknown {
  const forms = options.map((option) => byContract(option, value));
  return (
    forms.find((form, n) => z.safeParse(options[n] as z.ZodMiniType, form).success) ?? forms[0]
  );
}

function mapMembers(
  value: Record<string, unknown>,
  change: (member: unknown, key: string) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, change(member, key)]),
  );
}

/** A number whose text JavaScript would change is kept as that text until here. */
function byValue(value: unknown): unknown {
  // The sum makes -0 a plain 0.
  return JSON.isRawJSON(value) ? Number(value.rawJSON) + 0 : value;
}
