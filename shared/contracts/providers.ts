import * as z from "zod/mini";

export const providerId = z.enum(["we-link", "linked-api"]);

export type ProviderId = z.output<typeof providerId>;
