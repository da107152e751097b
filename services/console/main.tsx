import { render } from "preact";
import "../../infra/demo/page/base.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/parts.css";
import { App } from "./app.tsx";
import { readSettings } from "./context/settings.ts";

const place = document.querySelector("#console");
if (place !== null) render(<App settings={readSettings(document)} />, place);
