import { authInputs } from "./auth-inputs.ts";
import { controlInputs } from "./control-inputs.ts";
import { edgeInputs } from "./edge-inputs.ts";
import { explainInputs } from "./explain-inputs.ts";
import { fileInputs } from "./file-inputs.ts";
import type { InputsWorld } from "./inputs-world.ts";
import type { OutsideInput } from "./outside-input.ts";
import { policyInputs } from "./policy-inputs.ts";
import { publishInputs } from "./publish-inputs.ts";
import { questionInputs } from "./question-inputs.ts";
import { rpcInputs } from "./rpc-inputs.ts";
import { subscriptionInputs } from "./subscription-inputs.ts";

/** Everything that somebody outside may send, in the order in which it is sent. */
export function listInputs(world: InputsWorld): readonly OutsideInput[] {
  return [
    edgeInputs,
    subscriptionInputs,
    controlInputs,
    questionInputs,
    authInputs,
    policyInputs,
    // Its many streams are told by an edge of its own, which is missed for a while when it has gone.
    explainInputs,
    publishInputs,
    rpcInputs,
    fileInputs,
  ].flatMap((inputs) => inputs(world));
}
