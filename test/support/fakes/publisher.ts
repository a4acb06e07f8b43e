import { functionCredentials } from "../../../local/lambda/function-credentials.ts";

/** Frozen, as all logical ids are. */
export const CONSUME_LOGICAL_ID = "AckwireConsumeFunctionB9F63811";

/** Signs as `consume`: nobody but the functions that publish may put events with Ackwire's source on the bus. */
export const publisherCredentials = functionCredentials(CONSUME_LOGICAL_ID);
