{
  description = "A clock ⏰";
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-24.05";
    flake-utils.url = "github:numtide/flake-utils";
  };
  outputs = { self, nixpkgs, flake-utils }:
    flake-utils.lib.eachDefaultSystem (system:
      let
        pkgs = nixpkgs.legacyPackages.${system};
        cursor = pkgs.stdenv.mkDerivation { pname = "cursor-theme"; version = "o1"; src = ./cursor; };
      in {
        packages.default = pkgs.callPackage ./default.nix { inherit cursor; };
        devShells.default = pkgs.mkShell {
          packages = with pkgs; [ zig_0_13 just nodejs_22 (python3.withPackages (p: [ p.pytest ])) ];
          # claude-code and codex are not in this shell.
          shellHook = ''
            export CLOCK_FACE=o1
            echo "zig $(zig version), it's ${system}"
            [ -e node_modules ] || npm ci
          '';
        };
      });
}
