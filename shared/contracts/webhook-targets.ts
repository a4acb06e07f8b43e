import * as z from "zod/mini";

const port = () => z.number().check(z.int(), z.gte(1), z.lte(65_535));

/** Where webhooks may be delivered to: the variable `WEBHOOK_TARGETS`. */
export const webhookTargets = z.object({
  /** Ports that an https URL may have. */
  ports: z.array(port()).check(z.minLength(1)),
  /**
   * Also allows http, any port, and loopback addresses. Only the local run sets it; a
   * deployed stage cannot.
   */
  allowsLocal: z.boolean(),
  /** Loopback ports that are refused even then: those of the local run itself. */
  refusedPorts: z.array(port()),
});

export type WebhookTargets = z.output<typeof webhookTargets>;
