import * as z from "zod/mini";

const port = () => z.number().check(z.int(), z.gte(1), z.lte(65_535));

/** Where webhooks may be delivered to, as the variable `WEBHOOK_TARGETS` tells it. */
export const webhookTargets = z.object({
  /** Ports that a URL may name; https only. */
  ports: z.array(port()).check(z.minLength(1)),
  /**
   * Also http, any port and this machine's own loopback addresses. The local
   * run alone has it; a deployed stage cannot.
   */
  allowsLocal: z.boolean(),
  /** Ports that even then are refused: the local run's own. */
  refusedPorts: z.array(port()),
});

export type WebhookTargets = z.output<typeof webhookTargets>;
