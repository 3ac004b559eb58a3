import * as core from "@actions/core";
core.info(`model ${core.getInput("model") || "o1"} of the cursor`);
