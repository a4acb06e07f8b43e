import type { DeliveryRules } from "./delivery-rules.ts";

/** The time at which a decision about a delivery is made, and the rules. */
export interface DeliveryContext {
  /** Business time. */
  nowMs: number;
  /** Real time. */
  nowRealMs: number;
  /** Business seconds per real second. */
  speed: number;
  rules: DeliveryRules;
}
