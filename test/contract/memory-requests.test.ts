import { makeMemoryRequests } from "../../shared/adapters/memory-requests.ts";
import { laneStoreSuite } from "./lane-store.suite.ts";
import { referenceStoreSuite } from "./reference-store.suite.ts";
import { requestStoreSuite } from "./request-store.suite.ts";

requestStoreSuite("in memory", async ({ clock }) => makeMemoryRequests({ clock, retentionMs: 1 }));
laneStoreSuite("in memory", async ({ clock }) => makeMemoryRequests({ clock, retentionMs: 1 }));
referenceStoreSuite("in memory", async (options) => makeMemoryRequests(options));
