import * as z from "zod/mini";

/** What a client's key may do: `read` looks, `write` does everything. */
export const clientScope = z.enum(["read", "write"]);

export type ClientScope = z.output<typeof clientScope>;
