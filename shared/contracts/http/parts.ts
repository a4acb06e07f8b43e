import * as z from "zod/mini";
import { limits } from "../limits.ts";

/** Schemas that several operations of the HTTP API share. */

export const text = (maxLength: number) => z.string().check(z.minLength(1), z.maxLength(maxLength));

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
