import * as z from "zod/mini";

/** The providers that the simulator imitates; any other provider has no simulator. */
export const simulatedProvider = z.enum(["we-link", "linked-api"]);

export type SimulatedProvider = z.output<typeof simulatedProvider>;
