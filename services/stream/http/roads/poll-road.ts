import Negotiator from "negotiator";
import { bye, rightOver } from "../../connections/end-stream.ts";
import { encodeControl } from "../../frames/encode-frame.ts";
