import type { Defect } from "./defect.ts";
import { deliveryDefects } from "./delivery-defects.ts";
import { inboundDefects } from "./inbound-defects.ts";
import { laneDefects } from "./lane-defects.ts";
import { requestDefects } from "./request-defects.ts";
import { sequenceDefects } from "./sequence-defects.ts";

/** Every planted defect. Each must be found by the checks. */
export const defects: readonly Defect[] = [
  ...inboundDefects,
  ...requestDefects,
  ...laneDefects,
  ...sequenceDefects,
  ...deliveryDefects,
];
