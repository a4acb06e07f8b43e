import * as z from "zod/mini";

/** Where spans are sent, and whether providers are told the trace of a request. */
export const tracing = z.object({
  exporter: z.enum(["off", "otlp", "xray"]),
  /** Accepts OTLP over HTTP; present unless the exporter is `off`. */
  url: z.optional(z.url()),
  /** Real milliseconds for one call; absent: 1,000. */
  timeoutMs: z.optional(z.number()),
  /** Of X-Ray, for which calls are signed. */
  region: z.optional(z.string()),
  tracesProviders: z.optional(z.boolean()),
});

export type Tracing = z.output<typeof tracing>;

export const noTracing: Tracing = { exporter: "off" };
