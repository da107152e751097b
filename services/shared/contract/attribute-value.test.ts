import { expect, test } from "vitest";
import { decodeAttribute, encodeAttribute } from "./attribute-value.ts";

test.each([
  ["eu-west_1.~!#$&'()*+,/:;=?@[]^`{|}", "eu-west_1.~!#$&'()*+,/:;=?@[]^`{|}"],
  ["Zoë Doe", "Zoë Doe"],
  ["100%", "100%25"],
  ["m%65", "m%2565"],
  ['"quoted"', '%22quoted"'],
  ["", ""],
])("%j stands in a header as %j, and comes back", (value, header) => {
  expect(encodeAttribute(value)).toBe(header);
  expect(decodeAttribute(header)).toBe(value);
});

test.each([
  ['"/shop"', "/shop"],
  ['"a \\"b\\" \\\\"', 'a "b" \\'],
  ["Zo%C3%AB%20Doe", "Zoë Doe"],
  ['5" wide', '5" wide'],
])("the header %j, which others wrote, says %j", (header, value) => {
  expect(decodeAttribute(header)).toBe(value);
});

test.each(["5%", "%zz", "%FF", "%C3"])("the header %j encodes nothing", (header) => {
  expect(decodeAttribute(header)).toBeUndefined();
});
