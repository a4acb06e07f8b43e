/**
 * Loaded into the CDK app by the rehearsal (`NODE_OPTIONS=--import`): leaves the resources out of the
 * template whose types MiniStack does not know, because it refuses a template that has one.
 */
import { CfnResource } from "aws-cdk-lib";
import { unsupportedTypes } from "./unsupported-types.ts";

/** How a construct becomes a part of the template. */
interface Rendered {
  _toCloudFormation(): object;
}

const prototype = CfnResource.prototype as unknown as Rendered;
const render = prototype._toCloudFormation;
prototype._toCloudFormation = function (this: CfnResource): object {
  return unsupportedTypes.has(this.cfnResourceType) ? {} : render.call(this as never);
};
