import * as z from "zod/mini";
import { limits } from "../limits.ts";

/** Schemas that several operations of the HTTP API share. */

/** A header's value that authenticates somebody. */
export const secretText = z
  .string()
  .check(z.regex(/^[\x20-\x7e]{1,1000}$/, "must be 1 to 1,000 printable ASCII characters"));

export const text = (maxLength: number) => z.string().check(z.minLength(1), z.maxLength(maxLength));

/** An account id is part of an index key, which DynamoDB limits to 1,024 bytes. */
const MAX_ACCOUNT_BYTES = 900;

/**
 * The id of an account, wherever one is named. The account is managed under
 * `/v1/accounts/{accountId}`, so that an id that no path can carry is refused before it is
 * first used: API Gateway takes an encoded slash for a separator, and clients resolve dots.
 */
export const accountId = text(512).check(
  z.refine(
    (id) => id.isWellFormed() && new TextEncoder().encode(id).length <= MAX_ACCOUNT_BYTES,
    `must be well-formed Unicode of at most ${MAX_ACCOUNT_BYTES} bytes`,
  ),
  z.refine(
    (id) => !/\/|^\.\.?$/.test(id) && !id.includes("\0"),
    'must not be "." or "..", and must not contain a slash or a NUL character',
  ),
);

export const time = z.iso.datetime();

export const nothing = z.strictObject({});

/** An operation that needs an API key and has no parameters. */
export const plain = { isPublic: false, params: nothing, query: nothing } as const;

export const listOf = <Item extends z.ZodMiniType>(item: Item) =>
  z.object({ items: z.array(item), nextCursor: z.optional(z.string()) });

/** The parameters of every list. `cursor` is the `nextCursor` of the previous page. */
export const paging = {
  limit: z._default(z.coerce.number().check(z.int(), z.gte(1), z.lte(limits.maxPageSize)), 25),
  cursor: z.exactOptional(text(2_048)),
};

/** Longer than any allowed URL, so that the answer explains why a URL is refused. */
export const webhookUrl = text(8_192).check(
  z.describe("https, on port 443 or 8443, at a public address."),
);
export const webhookSecret = z
  .string()
  .check(z.describe("whsec_…, verifies the signatures of deliveries. Shown only here."));
