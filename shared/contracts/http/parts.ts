import * as z from "zod/mini";
import { eventTypeFilter } from "../event-type-filter.ts";
import { limits } from "../limits.ts";

/** Schemas that several operations of the HTTP API share. */

/** A header's value that authenticates somebody. */
export const secretText = z
  .string()
  .check(z.regex(/^[\x20-\x7e]{1,1000}$/, "must be 1 to 1,000 printable ASCII characters"));

/** Gives a schema its name among the components of the OpenAPI document. */
export function named<Schema extends z.ZodMiniType>(id: string, schema: Schema): Schema {
  z.globalRegistry.add(schema, { id });
  return schema;
}

export const text = (maxLength: number) => z.string().check(z.minLength(1), z.maxLength(maxLength));

/** An account id is part of an index key, which DynamoDB limits to 1,024 bytes. */
const MAX_ACCOUNT_BYTES = 900;

/**
 * The id of an account that may have been stored before ids with a question mark were refused, such
 * as one by which a list is filtered.
 */
export const storedAccountId = text(512).check(
  z.refine(
    (id) => id.isWellFormed() && new TextEncoder().encode(id).length <= MAX_ACCOUNT_BYTES,
    `must be well-formed Unicode of at most ${MAX_ACCOUNT_BYTES} bytes`,
  ),
  fitsInPath(),
);

/**
 * The id of an account, wherever a new one may be named. The account is managed under
 * `/v1/accounts/{accountId}`, so that an id that no path can carry is refused before it is first
 * used: API Gateway takes an encoded slash for a separator and cuts the path at an encoded question
 * mark, and clients resolve dots.
 */
export const accountId = storedAccountId.check(hasNoQuestionMark());

/** The name of a group that may have been stored before names with a question mark were refused. */
export const storedGroupName = text(limits.maxGroupLength).check(
  z.refine((name) => name.isWellFormed(), "must be well-formed Unicode"),
  fitsInPath(),
);

/** The name of a group of requests, which is read and cancelled under `/v1/groups/{group}`. */
export const groupName = storedGroupName.check(hasNoQuestionMark());

function fitsInPath() {
  return z.refine<string>(
    (name) => !/\/|^\.\.?$/.test(name) && !name.includes("\0"),
    'must not be "." or "..", and must not contain a slash or a NUL character',
  );
}

function hasNoQuestionMark() {
  return z.refine<string>((name) => !name.includes("?"), "must not contain a question mark");
}

export const time = z.iso.datetime();

export const nothing = z.strictObject({});

/** An operation that needs an API key and has no parameters. */
export const plain = { isPublic: false, params: nothing, query: nothing } as const;

/**
 * In the JSON Schema: one of these members must be there.
 *
 * @param nullable members whose `null` is a value; that of any other counts as absent
 */
export const oneOfMembers = (names: readonly string[], nullable: readonly string[] = []) =>
  z.meta({
    anyOf: names.map((name) => ({
      required: [name],
      ...(nullable.includes(name) ? {} : { properties: { [name]: { not: { type: "null" } } } }),
    })),
  });

/** In the JSON Schema: what a body must be besides, with this provider. */
export const withProvider = (provider: string, then: object) => ({
  if: { properties: { provider: { const: provider } } },
  then,
});

export const listOf = <Item extends z.ZodMiniType>(item: Item) =>
  z.object({ items: z.array(item), nextCursor: z.optional(z.string()) });

/** The parameters of every list. `cursor` is the `nextCursor` of the previous page. */
export const paging = {
  limit: z._default(z.coerce.number().check(z.int(), z.gte(1), z.lte(limits.maxPageSize)), 25),
  cursor: z.exactOptional(text(2_048)),
};

/** The parameter of every rotation. */
export const rotation = {
  overlapHours: z.exactOptional(
    z.string().check(
      // Not coerced: an empty text would be read as 0, which cuts a value that is in use.
      z.refine((text) => /^(\d|1\d|2[0-4])$/.test(text), "must be a whole number from 0 to 24"),
      z.meta({
        ...{ type: "integer", minimum: 0, maximum: 24 },
        description:
          "Hours for which the replaced value is still used, by default 24; 0 cuts it at once.",
      }),
    ),
  ),
};

export const webhookUrl = text(2_048).check(
  z.meta({
    format: "uri",
    pattern: "^[Hh][Tt][Tt][Pp][Ss]?://",
    description: "https, on port 443 or 8443, at a public address.",
  }),
);
export const webhookSecret = z
  .string()
  .check(z.describe("whsec_…, verifies the signatures of deliveries. Shown only here."));

export const eventTypeFilters = z.array(eventTypeFilter).check(
  z.minLength(1),
  z.refine((types) => new Set(types).size === types.length, "names a type twice"),
  z.meta({ uniqueItems: true }),
);

export const ok = <Schema extends z.ZodMiniType>(summary: string, schema: Schema) =>
  ({ status: 200, description: summary, schema }) as const;

export const accepted = <Schema extends z.ZodMiniType>(summary: string, schema: Schema) =>
  ({ status: 202, description: summary, schema }) as const;

export function created<Schema extends z.ZodMiniType>(schema: Schema) {
  return { status: 201, description: "Created", schema } as const;
}

export function noContent(description: string) {
  return { status: 204, description } as const;
}
