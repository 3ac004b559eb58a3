{ lib, stdenv, zig, cursor }:
stdenv.mkDerivation {
  pname = "clock";
  version = "0.2.0";
  src = lib.cleanSource ./.;
  nativeBuildInputs = [ zig.hook cursor ];
  meta = { description = "gemini, codex and claude are names of its faces"; license = lib.licenses.mit; };
}
