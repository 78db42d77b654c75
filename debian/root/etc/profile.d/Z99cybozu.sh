# The programs of Neco in /usr/sbin and /usr/local/sbin are found by every user.
case ":$PATH:" in
*:/usr/sbin:*) ;;
*) PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin ;;
esac
