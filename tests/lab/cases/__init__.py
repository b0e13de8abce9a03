# SPDX-License-Identifier: Apache-2.0
"""The cases, one file per kind of trouble."""
