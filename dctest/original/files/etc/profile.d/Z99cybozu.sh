# Z99cybozu.sh of the original
