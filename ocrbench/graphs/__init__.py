"""Operations on OpenVINO graphs, one file per rewrite."""
