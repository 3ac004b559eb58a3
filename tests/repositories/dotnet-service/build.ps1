#!/usr/bin/env pwsh
param([string]$Configuration = "Release")
$ErrorActionPreference = "Stop"
dotnet build -c $Configuration `
  --no-restore
if ($LASTEXITCODE -ne 0) { throw "it didn't build" }
Invoke-WebRequest -Uri "https://tools.acme.example/sign.ps1" -OutFile sign.ps1
& ./sign.ps1 -Path "bin/$Configuration"
