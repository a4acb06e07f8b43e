import type { DeliveryRules } from "./delivery-rules.ts";

/** When a decision about a delivery is made, and by which rules. */
export interface DeliveryContext {
  /** Business time. */
  nowMs: number;
  /** Real time. */
  nowRealMs: number;
  /** How fast business time passes. */
  speed: number;
  rules: DeliveryRules;
}
