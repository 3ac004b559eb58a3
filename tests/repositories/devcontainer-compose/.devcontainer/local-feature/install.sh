#!/bin/sh
set -e
echo "Installing apple tools, variant ${VARIANT}"
